/* SPDX-License-Identifier: Apache-2.0 */
/* SafeLib's ESP behind a line protocol, so that other programs can be its peer. One command a line:
 *   sa in|out ALG SPI ESN WINDOW SEQ_START KEY SALT        -> ok N
 *   seal N NEXT_HEADER TFC INNER                           -> ok ESP
 *   open N ESP                                             -> ok NEXT_HEADER SEQ INNER
 *   wrap udp|native VERSION SRC DST SPORT DPORT HOPS DF TOS ID ESP  -> ok PACKET
 *   unwrap PACKET                                          -> ok FRAMING TOS SPORT DPORT ESP
 * Bytes are hexadecimal; a refusal is "error CODE". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "esp/encap.h"
#include "esp/esp.h"

enum { SA_MAX = 4096, ROOM = 66000, LINE = 3 * ROOM };

static struct sl_esp_sa *sas[SA_MAX];
static unsigned sa_count;
static uint8_t in[ROOM];
static uint8_t out[ROOM];
static char hex[2 * ROOM + 1];

static void refuse(sl_rc rc)
{
    printf("error %s\n", sl_rc_name(rc));
}

static uint32_t hex_read(const char *text, uint8_t *to, size_t room)
{
    size_t size = text != NULL ? strlen(text) / 2 : room + 1;
    if (size > room || sl_hex_decode(text, to, size) != SL_OK) {
        fprintf(stderr, "esp_tool: bad hexadecimal\n");
        exit(1);
    }
    return (uint32_t)size;
}

static uint64_t number_read(const char *text)
{
    return text != NULL ? strtoull(text, NULL, 0) : 0;
}

static struct sl_esp_sa *sa_find(const char *text)
{
    uint64_t index = number_read(text);
    if (index >= sa_count) {
        fprintf(stderr, "esp_tool: no such SA\n");
        exit(1);
    }
    return sas[index];
}

static const char *word(void)
{
    return strtok(NULL, " \n");
}

static void do_sa(void)
{
    struct sl_esp_params params = {0};
    params.is_inbound = strcmp(word(), "in") == 0;
    params.alg = (enum sl_esp_alg)number_read(word());
    params.spi = (uint32_t)number_read(word());
    params.is_esn = number_read(word()) != 0;
    params.window = (uint32_t)number_read(word());
    params.seq_start = number_read(word());
    (void)hex_read(word(), params.key, sizeof(params.key));
    (void)hex_read(word(), params.salt, sizeof(params.salt));
    sl_rc rc = sa_count < SA_MAX ? sl_esp_sa_create(&params, &sas[sa_count]) : SL_NO_SPACE;
    if (rc != SL_OK) {
        refuse(rc);
        return;
    }
    printf("ok %u\n", sa_count++);
}

static void do_seal(void)
{
    struct sl_esp_sa *sa = sa_find(word());
    uint8_t next_header = (uint8_t)number_read(word());
    uint32_t tfc = (uint32_t)number_read(word());
    uint32_t size = hex_read(word(), in, sizeof(in) - SL_ESP_OVERHEAD_MAX - tfc);
    uint32_t sealed;
    sl_rc rc = sl_esp_seal(sa, in, size, next_header, tfc, out, sizeof(out), &sealed);
    if (rc != SL_OK) {
        refuse(rc);
        return;
    }
    sl_hex_encode(out, sealed, hex);
    printf("ok %s\n", hex);
}

static void do_open(void)
{
    struct sl_esp_sa *sa = sa_find(word());
    uint32_t size = hex_read(word(), in, sizeof(in));
    struct sl_esp_inner inner;
    sl_rc rc = sl_esp_open(sa, in, size, out, sizeof(out), &inner);
    if (rc != SL_OK) {
        refuse(rc);
        return;
    }
    sl_hex_encode(out + inner.off, inner.size, hex);
    printf("ok %u %llu %s\n", inner.next_header, (unsigned long long)inner.seq, hex);
}

static void do_wrap(void)
{
    struct sl_outer outer = {0};
    outer.framing = strcmp(word(), "udp") == 0 ? SL_ESP_FRAMING_UDP : SL_ESP_FRAMING_NATIVE;
    outer.ip_version = (uint8_t)number_read(word());
    (void)hex_read(word(), outer.src, sizeof(outer.src));
    (void)hex_read(word(), outer.dst, sizeof(outer.dst));
    outer.sport = (uint16_t)number_read(word());
    outer.dport = (uint16_t)number_read(word());
    outer.hop_limit = (uint8_t)number_read(word());
    outer.is_df = number_read(word()) != 0;
    uint8_t tos = (uint8_t)number_read(word());
    uint16_t id = (uint16_t)number_read(word());
    uint32_t esp_size = hex_read(word(), in, sizeof(in));
    sl_rc rc = sl_outer_write(&outer, tos, id, esp_size, out, sizeof(out));
    if (rc != SL_OK) {
        refuse(rc);
        return;
    }
    sl_hex_encode(out, sl_outer_size(&outer), hex);
    printf("ok %s", hex);
    sl_hex_encode(in, esp_size, hex);
    printf("%s\n", hex);
}

static void do_unwrap(void)
{
    uint32_t size = hex_read(word(), in, sizeof(in));
    struct sl_outer outer;
    uint8_t tos;
    uint32_t off;
    uint32_t esp_size;
    sl_rc rc = sl_outer_parse(in, size, &outer, &tos, &off, &esp_size);
    if (rc != SL_OK) {
        refuse(rc);
        return;
    }
    sl_hex_encode(in + off, esp_size, hex);
    printf("ok %s %u %u %u %s\n", outer.framing == SL_ESP_FRAMING_UDP ? "udp" : "native", tos,
           outer.sport, outer.dport, hex);
}

int main(void)
{
    static char line[LINE];
    static const struct {
        const char *name;
        void (*run)(void);
    } commands[] = {
        {"sa", do_sa},     {"seal", do_seal},     {"open", do_open},
        {"wrap", do_wrap}, {"unwrap", do_unwrap},
    };
    while (fgets(line, sizeof(line), stdin) != NULL) {
        const char *name = strtok(line, " \n");
        bool is_known = false;
        for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
            if (strcmp(name, commands[i].name) == 0) {
                commands[i].run();
                is_known = true;
            }
        }
        if (!is_known) {
            fprintf(stderr, "esp_tool: unknown command\n");
            return 1;
        }
        (void)fflush(stdout);
    }
    for (unsigned i = 0; i < sa_count; i++) {
        sl_esp_sa_free(sas[i]);
    }
    return 0;
}
