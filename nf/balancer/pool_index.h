/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Between reading a pool and using it.
 */
#ifndef SL_NF_BALANCER_POOL_INDEX_H
#define SL_NF_BALANCER_POOL_INDEX_H

#include "balancer/pool.h"

/** Builds what is looked up: addresses, backends by id, the services' tables.
 * @retval SL_OK, SL_NO_MEMORY: the pool is to be dropped then */
sl_rc lb_pool_index(struct lb_pool *pool) SL_MUST_CHECK;

#endif
