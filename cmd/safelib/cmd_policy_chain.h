/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * `safelib policy chain`, a subcommand of cmd_policy.c.
 */
#ifndef SL_CMD_SAFELIB_CMD_POLICY_CHAIN_H
#define SL_CMD_SAFELIB_CMD_POLICY_CHAIN_H

/** @return exit status, as of every subcommand (command.h) */
int policy_chain(int argc, char **argv);
int policy_subscriber(int argc, char **argv);

#endif
