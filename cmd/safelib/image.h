/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The subcommands of `safelib image`.
 */
#ifndef SL_CMD_SAFELIB_IMAGE_H
#define SL_CMD_SAFELIB_IMAGE_H

int image_measure(int argc, char **argv);
int image_sign(int argc, char **argv);
int image_inspect(int argc, char **argv);
int image_diff(int argc, char **argv);

#endif
