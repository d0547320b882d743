/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the image which backends are up. */
#include <stdio.h>
#include <string.h>

#include "gateway/session.h"

enum { TOLD_PER_ROUND = 32 };

sl_rc sl_session_health_tell(struct sl_session *session, struct sl_err *err)
{
    struct sl_health *health = session->health;
    uint32_t index;
    bool is_up;
    for (uint32_t i = 0; health != NULL && i < TOLD_PER_ROUND; i++) {
        char line[SL_NF_LINE_MAX];
        char answer[SL_NF_ANSWER_MAX];
        if (!sl_health_next(health, &index, &is_up)) {
            break;
        }
        struct sl_err refusal = {0};
        (void)snprintf(line, sizeof(line), "backend %s %s", health->config->checks[index].backend,
                       is_up ? "up" : "down");
        sl_rc rc = sl_client_nf(session->client, SL_SESSION_TIMEOUT_MS, health->config->nf, line,
                                answer, sizeof(answer), &refusal);
        if (sl_client_is_dead(session->client)) {
            return sl_err_set(err, rc, "%s", refusal.text);
        }
        sl_health_told(health, index, is_up, rc != SL_OK ? refusal.text : "");
    }
    return SL_OK;
}
