/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap, and the way from a link layer's frame to its IP packet. */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

enum {
    ETHER_IP4 = 0x0800,
    ETHER_IP6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_PPPOE = 0x8864,
    VLAN_DEPTH_MAX = 4,
    FRAME_MAX = 262144,
};

struct sl_capture {
    pcap_t *pcap;
    int link;
    struct sl_capture_counts counts;
};

struct sl_capture_writer {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
};

/* Behind an EtherType at `off`: the IP packet's offset, or 0 where there is none. */
static uint32_t behind_ethertype(const uint8_t *frame, uint32_t size, uint32_t off)
{
    for (int depth = 0; depth <= VLAN_DEPTH_MAX && off + 2 <= size; depth++) {
        uint16_t type = sl_be16_get(frame + off);
        if (type == ETHER_IP4 || type == ETHER_IP6) {
            return off + 2;
        }
        if (type == ETHER_PPPOE && off + 10 <= size) { /* RFC 2516 4: six bytes, then PPP */
            uint16_t ppp = sl_be16_get(frame + off + 8);
            return ppp == 0x0021 || ppp == 0x0057 ? off + 10 : 0;
        }
        if (type != ETHER_VLAN && type != ETHER_QINQ) {
            return 0;
        }
        off += 4;
    }
    return 0;
}

/* RFC 1661 2, RFC 1662 3.1: address and control may lead; 6.5: a protocol number whose first byte
 * is odd has only that byte. 0 where it is not IP. */
static uint32_t behind_ppp(const uint8_t *frame, uint32_t size)
{
    uint32_t off = size > 2 && frame[0] == 0xff && frame[1] == 0x03 ? 2 : 0;
    if (off + 2 > size) {
        return 0;
    }
    bool is_short = (frame[off] & 1) != 0;
    uint16_t protocol = is_short ? frame[off] : sl_be16_get(frame + off);
    return protocol == 0x0021 || protocol == 0x0057 ? off + (is_short ? 1 : 2) : 0;
}

/* Offset of the IP packet in a frame; `size` where the frame holds none. */
static uint32_t ip_offset(int link, const uint8_t *frame, uint32_t size)
{
    uint32_t off = 0;
    switch (link) {
    case DLT_EN10MB:
        off = behind_ethertype(frame, size, 12);
        break;
    case DLT_LINUX_SLL:
        off = behind_ethertype(frame, size, 14);
        break;
    case DLT_LINUX_SLL2: /* the protocol comes first, the header is 20 bytes */
        off = size > 20 && behind_ethertype(frame, 2, 0) != 0 ? 20 : 0;
        break;
    case DLT_NULL:
    case DLT_LOOP:
        off = 4;
        break;
    case DLT_PPP:
        off = behind_ppp(frame, size);
        break;
    default: /* raw IP */
        return 0;
    }
    return off == 0 ? size : off;
}

static bool is_link_known(int link)
{
    static const int known[] = {
        DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_LOOP, DLT_PPP,
        DLT_RAW,    DLT_IPV4,      DLT_IPV6,       12,       14,       101};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == link) {
            return true;
        }
    }
    return false;
}

sl_rc sl_capture_open(const char *path, struct sl_capture **ret_capture, struct sl_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    char fault[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, fault);
    if (pcap == NULL) {
        (void)fclose(file);
        return sl_err_set(err, SL_MALFORMED, "%s: not a capture: %s", path, fault);
    }
    int link = pcap_datalink(pcap);
    struct sl_capture *capture = is_link_known(link) ? calloc(1, sizeof(*capture)) : NULL;
    if (capture == NULL) {
        const char *name = pcap_datalink_val_to_name(link);
        sl_rc rc = sl_err_set(err, SL_UNSUPPORTED,
                              "%s: link type %s; captures are read from Ethernet, raw IP, Linux "
                              "cooked, null and PPP links",
                              path, name != NULL ? name : "unknown");
        pcap_close(pcap);
        return rc;
    }
    capture->pcap = pcap;
    capture->link = link;
    *ret_capture = capture;
    return SL_OK;
}

sl_rc sl_capture_next(struct sl_capture *capture, struct sl_capture_packet *ret_packet)
{
    while (true) {
        struct pcap_pkthdr *header = NULL;
        const uint8_t *frame = NULL;
        int got = pcap_next_ex(capture->pcap, &header, &frame);
        if (got != 1) {
            return got == PCAP_ERROR_BREAK ? SL_CLOSED : SL_TRUNCATED;
        }
        capture->counts.frames++;
        capture->counts.snapped += header->caplen < header->len;
        uint32_t off = ip_offset(capture->link, frame, header->caplen);
        uint8_t version = off < header->caplen ? frame[off] >> 4 : 0;
        if (version != 4 && version != 6) {
            capture->counts.non_ip++;
            continue;
        }
        *ret_packet = (struct sl_capture_packet){
            .data = frame + off,
            .size = header->caplen - off,
            .missing = header->len > header->caplen ? header->len - header->caplen : 0,
            .index = capture->counts.frames,
            .time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec,
        };
        return SL_OK;
    }
}

const char *sl_capture_fault(const struct sl_capture *capture)
{
    return pcap_geterr(capture->pcap);
}

void sl_capture_progress(const struct sl_capture *capture, uint64_t *ret_done, uint64_t *ret_size)
{
    FILE *file = pcap_file(capture->pcap);
    struct stat stat;
    long at = ftell(file);
    bool is_file = at >= 0 && fstat(fileno(file), &stat) == 0 && S_ISREG(stat.st_mode);
    *ret_done = is_file ? (uint64_t)at : 0;
    *ret_size = is_file ? (uint64_t)stat.st_size : 0;
}

void sl_capture_counts(const struct sl_capture *capture, struct sl_capture_counts *ret_counts)
{
    *ret_counts = capture->counts;
}

void sl_capture_close(struct sl_capture *capture)
{
    if (capture != NULL) {
        pcap_close(capture->pcap);
        free(capture);
    }
}

sl_rc sl_capture_create(const char *path, struct sl_capture_writer **ret_writer, struct sl_err *err)
{
    struct sl_capture_writer *writer = calloc(1, sizeof(*writer));
    pcap_t *pcap =
        pcap_open_dead_with_tstamp_precision(DLT_RAW, FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
    FILE *file = pcap != NULL && writer != NULL ? fopen(path, "wb") : NULL;
    int saved = errno;
    pcap_dumper_t *dumper = file != NULL ? pcap_dump_fopen(pcap, file) : NULL;
    if (writer == NULL || dumper == NULL) {
        sl_rc rc = sl_err_set(err, SL_IO, "%s: %s", path,
                              file == NULL ? strerror(saved) : pcap_geterr(pcap));
        if (file != NULL) {
            (void)fclose(file);
        }
        if (pcap != NULL) {
            pcap_close(pcap);
        }
        free(writer);
        return rc;
    }
    *writer = (struct sl_capture_writer){.pcap = pcap, .dumper = dumper};
    *ret_writer = writer;
    return SL_OK;
}

void sl_capture_write(struct sl_capture_writer *writer, uint64_t time_ns, const void *data,
                      uint32_t size)
{
    struct pcap_pkthdr header = {.caplen = size, .len = size};
    header.ts.tv_sec = (time_t)(time_ns / 1000000000u);
    header.ts.tv_usec = (suseconds_t)(time_ns % 1000000000u);
    pcap_dump((uint8_t *)writer->dumper, &header, data);
}

sl_rc sl_capture_finish(struct sl_capture_writer *writer)
{
    bool is_good = pcap_dump_flush(writer->dumper) == 0;
    pcap_dump_close(writer->dumper);
    pcap_close(writer->pcap);
    free(writer);
    return is_good ? SL_OK : SL_IO;
}
