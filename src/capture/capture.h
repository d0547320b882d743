/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Captures: IP packets out of pcap and pcapng files, and back into one.
 */
#ifndef SL_CAPTURE_CAPTURE_H
#define SL_CAPTURE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sl_capture;
struct sl_capture_writer;

struct sl_capture_packet {
    const uint8_t *data; /**< IP header on; valid until the next call */
    uint32_t size;       /**< bytes captured */
    uint32_t missing;    /**< bytes more that the frame had (snap length) */
    uint64_t index;      /**< number of the frame in the file, from 1, as tools show it */
    uint64_t time_ns;    /**< since 1970 */
};

struct sl_capture_counts {
    uint64_t frames;
    uint64_t non_ip;  /**< ARP, LLDP, ... skipped */
    uint64_t snapped; /**< cut short when captured (snap length), passed on as they are */
};

/** @retval SL_OK, SL_IO (no such file), SL_MALFORMED (not a capture), SL_UNSUPPORTED (link type,
 * named) */
sl_rc sl_capture_open(const char *path, struct sl_capture **ret_capture,
                      struct sl_err *err) SL_MUST_CHECK;
/** Next IP packet.
 * @retval SL_OK, SL_CLOSED (end)
 * @retval SL_TRUNCATED  the file is cut or damaged; sl_capture_fault() has libpcap's words */
sl_rc sl_capture_next(struct sl_capture *capture,
                      struct sl_capture_packet *ret_packet) SL_MUST_CHECK;
/** @owner the capture's, until it is closed or read on */
const char *sl_capture_fault(const struct sl_capture *capture);
/** Bytes of the file read so far, and its size (0 where it is no regular file). */
void sl_capture_progress(const struct sl_capture *capture, uint64_t *ret_done, uint64_t *ret_size);
void sl_capture_counts(const struct sl_capture *capture, struct sl_capture_counts *ret_counts);
void sl_capture_close(struct sl_capture *capture);

/** Raw-IP pcap with nanoseconds. @retval SL_OK, SL_IO */
sl_rc sl_capture_create(const char *path, struct sl_capture_writer **ret_writer,
                        struct sl_err *err) SL_MUST_CHECK;
void sl_capture_write(struct sl_capture_writer *writer, uint64_t time_ns, const void *data,
                      uint32_t size);
/** Flushes. @retval SL_OK, SL_IO (something was not written) */
sl_rc sl_capture_finish(struct sl_capture_writer *writer) SL_MUST_CHECK;

#endif
