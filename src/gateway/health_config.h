/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * `health:` of the gateway's configuration: which backends are checked, and how.
 */
#ifndef SL_GATEWAY_HEALTH_CONFIG_H
#define SL_GATEWAY_HEALTH_CONFIG_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

enum {
    SL_HEALTH_CHECKS_MAX = 256,
    SL_HEALTH_NAME_MAX = 48,
    SL_HEALTH_PATH_MAX = 128,
};

enum sl_health_type {
    SL_HEALTH_TCP = 0,  /**< a connection is accepted */
    SL_HEALTH_HTTP = 1, /**< GET is answered with a status of 200 to 399, or the one expected */
    SL_HEALTH_ICMP = 2, /**< a ping is answered */
};

struct sl_health_check {
    char backend[SL_HEALTH_NAME_MAX]; /**< "SERVICE/NAME", as in the balancer's policy */
    enum sl_health_type type;
    struct sockaddr_storage addr; /**< with the port */
    socklen_t addr_size;
    char path[SL_HEALTH_PATH_MAX];
    char host[SL_HEALTH_PATH_MAX]; /**< of the request; "": the address */
    uint32_t status;               /**< expected; 0: 200 to 399 */
};

struct sl_health_config {
    char nf[32]; /**< who is told; "balancer" */
    uint32_t interval_ms, timeout_ms;
    uint32_t rise; /**< good answers in a row until a backend is up again */
    uint32_t fall; /**< bad ones until it is down */
    uint32_t count;
    struct sl_health_check checks[SL_HEALTH_CHECKS_MAX];
};

/** As the file says it. */
struct sl_health_yaml_check {
    char *backend;
    int type;
    char *address;
    uint16_t port;
    char *path;
    char *host;
    uint16_t status;
};
struct sl_health_yaml {
    char *nf;
    uint32_t interval_ms, timeout_ms, rise, fall;
    struct sl_health_yaml_check *checks;
    unsigned checks_count;
};
extern const cyaml_schema_field_t sl_health_fields[];

/** @retval SL_OK
 * @retval SL_INVALID, SL_RANGE  @p err names the key and says what was expected */
sl_rc sl_health_config_set(const struct sl_health_yaml *yaml, struct sl_health_config *ret_config,
                           struct sl_err *err) SL_MUST_CHECK;

#endif
