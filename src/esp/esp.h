/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * IPsec ESP (RFC 4303) in tunnel mode with AES-GCM-16 (RFC 4106) and ChaCha20-Poly1305 (RFC 7634):
 * one SA, one direction, one worker. Works on the ESP packet alone (SPI to ICV); UDP encapsulation
 * and outer IP headers are in esp/encap.h.
 */
#ifndef SL_ESP_ESP_H
#define SL_ESP_ESP_H

#include <stdbool.h>
#include <stdint.h>

#include "safelib/rc.h"

enum sl_esp_alg {
    SL_ESP_AES_128_GCM_16 = 1,
    SL_ESP_AES_256_GCM_16 = 2,
    SL_ESP_CHACHA20_POLY1305 = 3,
};

enum {
    SL_ESP_KEY_MAX = 32,
    SL_ESP_SALT_SIZE = 4,
    SL_ESP_HEADER_SIZE = 8, /**< SPI and sequence number */
    SL_ESP_IV_SIZE = 8,
    SL_ESP_ICV_SIZE = 16,
    /** header + IV + padding (0..3) + pad length + next header + ICV, at most */
    SL_ESP_OVERHEAD_MAX = 8 + 8 + 3 + 2 + 16,
    SL_ESP_INNER_MAX = 65535,
    SL_ESP_WINDOW_MIN = 64,
    SL_ESP_WINDOW_MAX = 4096,
    SL_ESP_NEXT_IPV4 = 4,
    SL_ESP_NEXT_IPV6 = 41,
    SL_ESP_NEXT_NONE = 59,
};

/** Why a packet was dropped; one counter each. */
#define SL_ESP_COUNTER_TABLE(X)                                                                    \
    X(ok, "packets processed")                                                                     \
    X(bytes, "inner bytes processed")                                                              \
    X(bad_spi, "SPI of no SA")                                                                     \
    X(truncated, "shorter than header, IV and ICV, or not a multiple of 4")                        \
    X(replay, "refused by the anti-replay window")                                                 \
    X(bad_icv, "ICV mismatch")                                                                     \
    X(bad_padding, "padding is not 1, 2, 3, ...")                                                  \
    X(bad_inner, "next header and inner packet disagree, or inner packet malformed")               \
    X(dummy, "dummy packets (next header 59) dropped")                                             \
    X(probe, "authenticated path probes (next header 59 with a probe inside)")                     \
    X(seq_gap, "sequence numbers never received when the window moved past them")                  \
    X(seq_overflow, "refused to send: sequence numbers exhausted")                                 \
    X(too_big, "larger than the output")

struct sl_esp_counters {
#define SL_ESP_COUNTER(name, text) uint64_t name;
    SL_ESP_COUNTER_TABLE(SL_ESP_COUNTER)
#undef SL_ESP_COUNTER
};

struct sl_esp_params {
    enum sl_esp_alg alg;
    uint32_t spi; /**< host order; 0..255 are reserved (RFC 4303 2.1): refused */
    bool is_esn;
    bool is_inbound;
    uint32_t window;    /**< inbound: bits, a power of two in 64..4096 */
    uint64_t seq_start; /**< outbound: last sequence number used (0 for a new SA); inbound: highest
                           accepted */
    uint8_t key[SL_ESP_KEY_MAX]; /**< 16 or 32 bytes by alg */
    uint8_t salt[SL_ESP_SALT_SIZE];
};

/** Opaque; aligned to 64, holds the expanded key; wiped by sl_esp_sa_free. */
struct sl_esp_sa;

/** @retval SL_OK
 * @retval SL_RANGE        reserved spi; window; seq_start above 2^32-1 without ESN
 * @retval SL_UNSUPPORTED  alg, or a processor without AES-NI
 * @retval SL_NO_MEMORY, SL_CRYPTO (the library's self-test failed)
 * @context control thread. @owner caller frees; @p params may be wiped after return */
sl_rc sl_esp_sa_create(const struct sl_esp_params *params, struct sl_esp_sa **ret_sa) SL_MUST_CHECK;
void sl_esp_sa_free(struct sl_esp_sa *sa);

uint32_t sl_esp_sa_spi(const struct sl_esp_sa *sa);
/** Highest sequence number used (outbound) or accepted (inbound). */
uint64_t sl_esp_sa_seq(const struct sl_esp_sa *sa);
const struct sl_esp_counters *sl_esp_sa_counters(const struct sl_esp_sa *sa);

/** What came out of an ESP packet. */
struct sl_esp_inner {
    uint32_t off;  /**< offset of the inner packet in the output */
    uint32_t size; /**< without padding and TFC padding (cut by the inner header's total length) */
    uint8_t next_header; /**< 4, 41 or 59 */
    uint64_t seq;
};

/** Authenticates and decrypts one ESP packet, from memory that may change under it (single fetch)
 * into private memory.
 * @param[in]  in        SPI to ICV; may lie in shared memory
 * @param[out] out       private; at least @p in_size bytes; may be exactly @p in + 16 where @p in
 *                       is private too; what was written is wiped on failure
 * @param[out] ret_inner meaningful only on SL_OK
 * @retval SL_OK         inner packet in @p out; next_header 59 only for probes (esp/probe.h)
 * @retval SL_AGAIN      authentic dummy packet (RFC 4303 2.6): nothing to deliver
 * @retval SL_TRUNCATED  too short or misaligned
 * @retval SL_NOT_FOUND  SPI is not this SA's
 * @retval SL_REPLAY     refused before decryption
 * @retval SL_AUTH       ICV mismatch; window not moved
 * @retval SL_MALFORMED  authentic, but padding or inner header is wrong
 * @retval SL_NO_SPACE   @p out_size < what is needed
 * @context packet path: no allocation, no log, no system call
 * @spec RFC 4303 3.4.3, 3.4.4, 2.2.1, appendix A; RFC 4106 5 */
sl_rc sl_esp_open(struct sl_esp_sa *sa, const uint8_t *in, uint32_t in_size, uint8_t *out,
                  uint32_t out_size, struct sl_esp_inner *ret_inner) SL_MUST_CHECK;

/** Hint for a caller with a burst: call it for the packet after next, before sl_esp_open or
 * sl_esp_seal of this one. Touches nothing that counts as a fetch. */
static inline void sl_esp_prefetch(const uint8_t *in, uint32_t in_size)
{
    __builtin_prefetch(in);
    __builtin_prefetch(in + 64);
    __builtin_prefetch(in + in_size - 1);
}

/** Bytes of the ESP packet that carries @p inner_size bytes plus @p tfc_size bytes of TFC padding.
 */
uint32_t sl_esp_sealed_size(uint32_t inner_size, uint32_t tfc_size);

/** Encrypts one inner packet from private memory into memory that may be shared: the destination
 * is written once and never read back.
 * @param[in]  in       private, and changed; may be exactly @p out + 16 where @p out is private
 *                      too; must have SL_ESP_OVERHEAD_MAX + tfc_size writable bytes after
 *                      @p in_size for the trailer
 * @param[out] out      sl_esp_sealed_size() bytes
 * @retval SL_OK        @p ret_size bytes written
 * @retval SL_OVERFLOW  sequence numbers exhausted: nothing sent, ever again
 * @retval SL_NO_SPACE  @p out_size too small, or @p in_size or @p tfc_size above SL_ESP_INNER_MAX;
 *                      no sequence number used
 * @context packet path: no allocation, no log, no system call
 * @spec RFC 4303 3.3 */
sl_rc sl_esp_seal(struct sl_esp_sa *sa, uint8_t *in, uint32_t in_size, uint8_t next_header,
                  uint32_t tfc_size, uint8_t *out, uint32_t out_size,
                  uint32_t *ret_size) SL_MUST_CHECK;

#endif
