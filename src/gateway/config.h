/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The gateway's configuration: one YAML file, checked wholly before anything starts.
 */
#ifndef SL_GATEWAY_CONFIG_H
#define SL_GATEWAY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "control/suites.h"
#include "esp/encap.h"
#include "esp/esp.h"
#include "gateway/health_config.h"
#include "policy/attest_file.h"
#include "safelib/packet.h"

enum {
    SL_GW_SHARDS_MAX = 16,
    SL_GW_NAME_MAX = 16,
    SL_GW_PATH_MAX = 256,
    SL_GW_HOST_MAX = 128,
    SL_GW_ADDR_MAX = 64,
    SL_GW_SOCKET_MAX = 104,
};

/** One side of the gateway. */
struct sl_gw_side {
    char tun[SL_GW_NAME_MAX];
    char interface[SL_GW_NAME_MAX]; /**< "": the operator routes into the TUN himself */
    uint32_t table;                 /**< routing table and rule preference for `interface` */
};

struct sl_gw_config {
    char host[SL_GW_HOST_MAX];
    uint16_t udp_port;
    uint16_t control_port;
    char local[SL_GW_ADDR_MAX]; /**< outer source address; "": any */
    char tenant_key[SL_GW_PATH_MAX];
    char policy[SL_GW_PATH_MAX];
    char status_socket[SL_GW_SOCKET_MAX];
    char state_dir[SL_GW_PATH_MAX];    /**< durable state and audit log (gateway/durable.h) */
    struct sl_attest_file attestation; /**< which image may be given anything */
    struct sl_gw_side side[SL_PORT_COUNT];
    uint32_t shards;
    uint32_t queues;                   /**< TUN queues and sending threads */
    enum sl_esp_alg alg;               /**< a suite of control/suites.h */
    enum sl_key_exchange key_exchange; /**< what the channel, and so every SA key, must come from */
    enum sl_esp_framing framing;
    bool is_esn;
    bool is_dscp_copied;
    bool is_offload;
    bool is_steering_plain; /**< steering: plain; without the image's key */
    uint32_t window;
    uint32_t rekey_seconds;
    bool is_clock_strict; /**< on_clock_warp: stop */
    uint64_t rekey_bytes; /**< UINT64_MAX: no limit */
    uint64_t rekey_packets;
    uint32_t reattest_seconds; /**< how often the image is attested again */
    uint32_t lease_seconds;    /**< how long SAs live without a control connection */
    uint32_t mtu;              /**< inner; 0: searched */
    struct sl_health_config health;
};

/** Reads and checks the file.
 * @retval SL_OK
 * @retval SL_NOT_FOUND, SL_IO  the file
 * @retval SL_MALFORMED         not YAML, an unknown or missing key, a value of the wrong kind: @p
 *                              err names the key, line and column
 * @retval SL_UNSUPPORTED       key_exchange: hybrid, where this OpenSSL has none
 * @retval SL_RANGE, SL_INVALID a value that cannot work: @p err names it and says what was expected
 * @retval SL_DENIED            a key that would let an image in unseen: insecure_skip_attestation,
 *                              attestation.insecure_any_identity or insecure_allow_debug */
sl_rc sl_gw_config_load(const char *path, struct sl_gw_config *ret_config,
                        struct sl_err *err) SL_MUST_CHECK;

#endif
