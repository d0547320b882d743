/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Configuration of safelib-host: a YAML file, options over it, defaults under both.
 */
#ifndef SL_HOST_CONFIG_H
#define SL_HOST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/area.h"
#include "net/addr.h"
#include "safelib/rc.h"

enum {
    SL_HOST_PATH_MAX = 1024,
    SL_HOST_WORD_MAX = 16,
};

/** As read: empty and 0 mean "not given". The names of the YAML keys are those of the options with
 * `_` for `-`. */
struct sl_host_config {
    char image[SL_HOST_PATH_MAX];           /**< path of the NF image; required */
    char sigstruct[SL_HOST_PATH_MAX];       /**< path of its SIGSTRUCT; default IMAGE.sig */
    char device[SL_HOST_WORD_MAX];          /**< auto | sgx | emu | bare */
    char speed[SL_HOST_WORD_MAX];           /**< emu: direct | trap */
    char entry_cost_ns[SL_HOST_WORD_MAX];   /**< emu: EENTER + EEXIT together, default 3500 */
    char scheduling[SL_HOST_WORD_MAX];      /**< batch | polling */
    char framing[SL_HOST_WORD_MAX];         /**< udp | native */
    char offload[SL_HOST_WORD_MAX];         /**< auto | off: UDP_SEGMENT and UDP_GRO */
    char listen[SL_NET_ADDR_TEXT_MAX];      /**< ADDRESS[:PORT] of ESP, default 0.0.0.0:4500 */
    char control[SL_NET_ADDR_TEXT_MAX];     /**< ADDRESS[:PORT] of TCP, default 0.0.0.0:4433 */
    char status[SL_HOST_PATH_MAX];          /**< path of the status socket; none by default */
    char evidence[SL_HOST_WORD_MAX];        /**< auto | emu | sgx | tsm | none: its source */
    char evidence_socket[SL_HOST_PATH_MAX]; /**< where a trust monitor's agent asks; none by default
                                             */
    char tsm_root[SL_HOST_PATH_MAX];        /**< tsm: folder of its entries, default SL_TSM_ROOT */
    char aesm_socket[SL_HOST_PATH_MAX];     /**< sgx: of the quoting service, SL_AESM_SOCKET */
    char state[SL_HOST_PATH_MAX];       /**< file for the image's sealed state; none by default */
    char seal[SL_HOST_WORD_MAX];        /**< enclave | signer: who may open it again */
    char tenant_key_sha256[2 * 32 + 1]; /**< passed to the image as it is */
    uint32_t shards;                    /**< workers in the image, 1..16 */
    uint32_t ring_count, data_size;     /**< per packet ring */
    uint32_t control_size, log_size;    /**< of the byte rings */
    uint32_t spill;                     /**< MiB per shard */
};

/** What the program works with. */
struct sl_host_settings {
    const struct sl_host_config *config;
    const char *device; /**< resolved: "sgx", "emu" or "bare" */
    bool is_trap;
    bool is_polling;
    bool is_native;
    bool is_offload;
    bool is_sealed_to_signer;
    uint32_t entry_cost_ns;
    struct sl_area_geometry geometry;
    struct sl_net_addr listen;
    struct sl_net_addr control;
};

/** Reads a YAML file into @p ret_config, over nothing.
 * @retval SL_OK, SL_MALFORMED (not YAML, unknown key, wrong type, too long; @p err has key and
 *         line), or of reading (sl_file_read) */
sl_rc sl_host_config_load(const char *path, struct sl_host_config *ret_config,
                          struct sl_err *err) SL_MUST_CHECK;
/** Sets one key from an option.
 * @retval SL_OK, SL_NOT_FOUND (no such key), SL_RANGE (too long, or not a number of 32 bits) */
sl_rc sl_host_config_set(struct sl_host_config *config, const char *key, const char *value,
                         struct sl_err *err) SL_MUST_CHECK;
/** Fills in defaults and checks everything: @p err names all that is wrong, the code is the
 * first's.
 * @param[in] config  must outlive @p ret_settings
 * @retval SL_OK, SL_INVALID (@p err: key, value, what was expected), SL_RANGE (geometry),
 *         SL_NOT_FOUND (an address does not resolve) */
sl_rc sl_host_config_check(const struct sl_host_config *config,
                           struct sl_host_settings *ret_settings, struct sl_err *err) SL_MUST_CHECK;

#endif
