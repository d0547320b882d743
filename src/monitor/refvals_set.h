/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Between the writer and the reader of sets of reference digests.
 */
#ifndef SL_MONITOR_REFVALS_SET_H
#define SL_MONITOR_REFVALS_SET_H

#include <stdio.h>

#include "monitor/refvals.h"

#define SL_REFSET_MAGIC "SLREFV01"
enum { SL_REFSET_MAGIC_SIZE = 8, SL_REFSET_ALG_SIZE = 16, SL_REFSET_SUM_SIZE = 32 };

#endif
