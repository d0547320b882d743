/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The daemon's configuration file (YAML; man safelib-trustd).
 */
#ifndef SL_TRUSTD_CONFIG_H
#define SL_TRUSTD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_TRUSTD_PATH_SIZE = 256 };

struct sl_trustd_config {
    char listen[64]; /**< ADDRESS:PORT, [ADDRESS]:PORT */
    char certificate[SL_TRUSTD_PATH_SIZE], key[SL_TRUSTD_PATH_SIZE];
    char client_ca[SL_TRUSTD_PATH_SIZE];  /**< "": tokens alone; else people and programs need a
                                               certificate of this CA as well */
    char state_dir[SL_TRUSTD_PATH_SIZE];  /**< database and journal */
    char policy_dir[SL_TRUSTD_PATH_SIZE]; /**< CLASS.yaml */
    char refvals[SL_TRUSTD_PATH_SIZE];    /**< reference digests; "": none */
    char collateral[SL_TRUSTD_PATH_SIZE]; /**< cache of vendors' collateral (safelib attest
                                               collateral); "": what evidence brings along alone */
    bool is_pausing;                      /**< untrusted containers are paused by the agent */
    uint32_t nonce_seconds, enroll_seconds, verifier_seconds;
    uint32_t connections_max, connections_per_address_max, idle_seconds, request_seconds;
    uint32_t pending_max, rate_per_minute;
    uint32_t workers; /**< rounds judged at the same time */
    uint64_t body_bytes_max, bodies_bytes_max, journal_bytes_max;
};

/** @retval SL_OK, SL_MALFORMED, SL_RANGE, SL_NOT_FOUND, SL_IO: @p err names file and key */
sl_rc sl_trustd_config_load(const char *path, struct sl_trustd_config *ret_config,
                            struct sl_err *err) SL_MUST_CHECK;

#endif
