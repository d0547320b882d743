/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The bounded reader and writer; public, because an NF reads its policy with them.
 */
#ifndef SL_BASE_BYTES_H
#define SL_BASE_BYTES_H

#include "safelib/bytes.h"

#endif
