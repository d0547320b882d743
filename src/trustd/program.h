/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The program safelib-trustd, beside its choice of drivers: tests run it with drivers of their own.
 */
#ifndef SL_TRUSTD_PROGRAM_H
#define SL_TRUSTD_PROGRAM_H

#include "trustd/judge.h"

/** @return exit status: 0 good, 1 could not start or went wrong, 2 usage or configuration */
int sl_trustd_main(int argc, char **argv, const struct sl_monitor_backend *backend);

#endif
