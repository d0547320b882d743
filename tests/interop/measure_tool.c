/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a measurement by script, so that another program can check it byte for byte. One command a
 * line: "ecreate SIZE SSA", "eadd OFF FLAGS", "eextend OFF HEX512", "final". Prints MRENCLAVE. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "device/measure.h"

static sl_rc run_line(struct sl_measure *m, const char *line)
{
    unsigned long long a = 0;
    unsigned long long b = 0;
    char hex[2 * SL_EEXTEND_SIZE + 1];
    if (sscanf(line, "ecreate %lli %lli", &a, &b) == 2) {
        return sl_measure_ecreate(m, a, (uint32_t)b);
    }
    if (sscanf(line, "eadd %lli %lli", &a, &b) == 2) {
        return sl_measure_eadd(m, a, b);
    }
    if (sscanf(line, "eextend %lli %512s", &a, hex) == 2) {
        uint8_t chunk[SL_EEXTEND_SIZE];
        sl_rc rc = sl_hex_decode(hex, chunk, sizeof(chunk));
        return rc == SL_OK ? sl_measure_eextend(m, a, chunk) : rc;
    }
    return SL_MALFORMED;
}

int main(void)
{
    struct sl_measure m = {0};
    char line[1024];
    uint8_t digest[SL_MEASURE_SIZE];
    char hex[2 * SL_MEASURE_SIZE + 1];
    sl_rc rc = SL_OK;
    while (rc == SL_OK && fgets(line, sizeof(line), stdin) != NULL &&
           strcmp(line, "final\n") != 0) {
        rc = run_line(&m, line);
    }
    if (rc == SL_OK) {
        rc = sl_measure_final(&m, digest);
    }
    if (rc == SL_OK) {
        sl_hex_encode(digest, sizeof(digest), hex);
        printf("%s\n", hex);
    } else {
        printf("%s\n", sl_rc_name(rc));
    }
    sl_measure_done(&m);
    return rc == SL_OK ? 0 : 1;
}
