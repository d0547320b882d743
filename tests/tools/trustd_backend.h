/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Drivers for tests of the monitor itself, which do what their evidence says: {"do": ...}.
 */
#ifndef SL_TESTS_TRUSTD_BACKEND_H
#define SL_TESTS_TRUSTD_BACKEND_H

#include "trustd/judge.h"

/** Knows the driver "tpm-ima" (under that name, so that agents and messages fit) and "vanishing",
 * which it knows only while the environment has TRUSTD_TEST_VANISHING. */
extern const struct sl_monitor_backend test_backend;

#endif
