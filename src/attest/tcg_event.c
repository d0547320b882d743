/* SPDX-License-Identifier: Apache-2.0 */
/* Boot events for people (TCG PC Client Platform Firmware Profile, 10.4). */
#include "attest/tcg_event.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "safelib/bytes.h"

enum kind {
    KIND_OPAQUE,
    KIND_TEXT,     /* characters */
    KIND_VARIABLE, /* UEFI_VARIABLE_DATA */
    KIND_BLOB,     /* base, length */
    KIND_BLOB2,    /* description, base, length */
    KIND_IMAGE,    /* UEFI_IMAGE_LOAD_EVENT */
    KIND_TAG,      /* TCG_PCClientTaggedEvent */
    KIND_NO_ACTION,
    KIND_SEPARATOR,
};

/* PFP table 27. `is_promised`: "digest = HASH(event data)". What measures something else (an image,
 * a variable's value, a boot loader's command without its prefix) is not compared. */
static const struct {
    uint32_t type;
    const char *name;
    enum kind kind;
    bool is_promised;
} TYPES[] = {
    {0x00000000, "EV_PREBOOT_CERT", KIND_OPAQUE, false},
    {0x00000001, "EV_POST_CODE", KIND_TEXT, false},
    {0x00000002, "EV_UNUSED", KIND_OPAQUE, false},
    {0x00000003, "EV_NO_ACTION", KIND_NO_ACTION, false},
    {0x00000004, "EV_SEPARATOR", KIND_SEPARATOR, true},
    {0x00000005, "EV_ACTION", KIND_TEXT, true},
    {0x00000006, "EV_EVENT_TAG", KIND_TAG, false},
    {0x00000007, "EV_S_CRTM_CONTENTS", KIND_OPAQUE, false},
    {0x00000008, "EV_S_CRTM_VERSION", KIND_OPAQUE, true},
    {0x00000009, "EV_CPU_MICROCODE", KIND_OPAQUE, false},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS", KIND_OPAQUE, false},
    {0x0000000b, "EV_TABLE_OF_DEVICES", KIND_OPAQUE, false},
    {0x0000000c, "EV_COMPACT_HASH", KIND_OPAQUE, false},
    {0x0000000d, "EV_IPL", KIND_TEXT, false},
    {0x0000000e, "EV_IPL_PARTITION_DATA", KIND_OPAQUE, false},
    {0x0000000f, "EV_NONHOST_CODE", KIND_OPAQUE, false},
    {0x00000010, "EV_NONHOST_CONFIG", KIND_OPAQUE, false},
    {0x00000011, "EV_NONHOST_INFO", KIND_OPAQUE, false},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS", KIND_TEXT, false},
    {0x00000013, "EV_POST_CODE2", KIND_BLOB2, false},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG", KIND_VARIABLE, true},
    {0x80000002, "EV_EFI_VARIABLE_BOOT", KIND_VARIABLE, false},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION", KIND_IMAGE, false},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER", KIND_IMAGE, false},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER", KIND_IMAGE, false},
    {0x80000006, "EV_EFI_GPT_EVENT", KIND_OPAQUE, true},
    {0x80000007, "EV_EFI_ACTION", KIND_TEXT, true},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB", KIND_BLOB, false},
    {0x80000009, "EV_EFI_HANDOFF_TABLES", KIND_OPAQUE, false},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2", KIND_BLOB2, false},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2", KIND_BLOB2, false},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2", KIND_VARIABLE, true},
    {0x8000000d, "EV_EFI_GPT_EVENT2", KIND_OPAQUE, true},
    {0x80000010, "EV_EFI_HCRTM_EVENT", KIND_TEXT, false},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY", KIND_VARIABLE, false},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB", KIND_OPAQUE, false},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG", KIND_OPAQUE, false},
    {0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY", KIND_OPAQUE, false},
    {0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY", KIND_OPAQUE, false},
};
enum { TYPE_COUNT = sizeof(TYPES) / sizeof(TYPES[0]) };

static size_t type_find(uint32_t type)
{
    size_t i = 0;

    while (i < TYPE_COUNT && TYPES[i].type != type) {
        i++;
    }
    return i;
}

const char *sl_tcg_event_name(uint32_t type)
{
    const size_t i = type_find(type);

    return i < TYPE_COUNT ? TYPES[i].name : "unknown";
}

/* Boot loaders write UCS-2 as well: every second byte is 0. */
static size_t character_size(const uint8_t *data, size_t size)
{
    for (size_t i = 1; i < size; i += 2) {
        if (data[i] != 0) {
            return 1;
        }
    }
    return size >= 4 && size % 2 == 0 ? 2 : 1;
}

/* Printable characters; the others as dots; a terminator at the end is not shown. */
static void text_copy(const uint8_t *data, size_t size, char *out, size_t room)
{
    const size_t step = character_size(data, size);
    size_t at = 0;

    while (size > 0 && (data[size - 1] == 0 || data[size - 1] == '\n')) {
        size--;
    }
    for (size_t i = 0; i < size && at + 1 < room; i += step) {
        out[at++] = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
    }
    out[at] = '\0';
}

static uint64_t le64(const uint8_t *at)
{
    return (uint64_t)sl_le32_get(at) | (uint64_t)sl_le32_get(at + 4) << 32;
}

static void guid_text(const uint8_t *g, char out[40])
{
    (void)snprintf(out, 40, "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   sl_le32_get(g), sl_le16_get(g + 4), sl_le16_get(g + 6), g[8], g[9], g[10], g[11],
                   g[12], g[13], g[14], g[15]);
}

/* GUID | u64 characters | u64 bytes | UCS-2 name | value */
static void variable_text(const struct sl_tcg_event *event, char *out)
{
    char guid[40], name[128] = "";
    uint64_t count, size, off;

    if (event->size < 32) {
        return;
    }
    guid_text(event->data, guid);
    count = le64(event->data + 16);
    size = le64(event->data + 24);
    if (count > (event->size - 32) / 2) {
        return;
    }
    for (uint64_t i = 0; i < count && i + 1 < sizeof(name); i++) {
        const uint16_t c = sl_le16_get(event->data + 32 + 2 * i);

        name[i] = c >= 0x20 && c < 0x7f ? (char)c : '.';
    }
    off = 32 + 2 * count;
    if (strcmp(name, "SecureBoot") == 0 && size == 1 && event->size > off) {
        (void)snprintf(out, SL_TCG_TEXT_MAX, "%s %s: %s", name, guid,
                       event->data[off] != 0 ? "enabled" : "disabled");
    } else {
        (void)snprintf(out, SL_TCG_TEXT_MAX, "%s %s: %" PRIu64 " bytes", name, guid, size);
    }
}

static void blob2_text(const struct sl_tcg_event *event, char *out)
{
    char name[256];
    const size_t length = event->size > 0 ? event->data[0] : 0;

    if (event->size != 1 + length + 16) {
        text_copy(event->data, event->size, out, SL_TCG_TEXT_MAX);
        return;
    }
    text_copy(event->data + 1, length, name, sizeof(name));
    (void)snprintf(out, SL_TCG_TEXT_MAX, "%s at 0x%" PRIx64 ", %" PRIu64 " bytes", name,
                   le64(event->data + 1 + length), le64(event->data + 9 + length));
}

static void no_action_text(const struct sl_tcg_event *event, char *out)
{
    if (event->size >= 17 && memcmp(event->data, "StartupLocality", 16) == 0) {
        (void)snprintf(out, SL_TCG_TEXT_MAX, "StartupLocality %u", event->data[16]);
    } else if (event->size >= 16) {
        text_copy(event->data, strnlen((const char *)event->data, 16), out, SL_TCG_TEXT_MAX);
    }
}

static void separator_text(const struct sl_tcg_event *event, char *out)
{
    const uint32_t value = event->size == 4 ? sl_le32_get(event->data) : 0;

    /* PFP 3.3.2.2: 0 and ffffffff part firmware from what it starts; 1 tells an error */
    if (event->size == 4) {
        (void)snprintf(out, SL_TCG_TEXT_MAX, "%s",
                       value == 0 || value == UINT32_MAX ? "end of firmware's measurements"
                                                         : "firmware reports an error");
    } else {
        text_copy(event->data, event->size, out, SL_TCG_TEXT_MAX);
    }
}

void sl_tcg_event_text(const struct sl_tcg_event *event, char out[SL_TCG_TEXT_MAX])
{
    const size_t i = type_find(event->type);

    out[0] = '\0';
    switch (i < TYPE_COUNT ? TYPES[i].kind : KIND_OPAQUE) {
    case KIND_TEXT:
        text_copy(event->data, event->size, out, SL_TCG_TEXT_MAX);
        break;
    case KIND_VARIABLE:
        variable_text(event, out);
        break;
    case KIND_BLOB:
        if (event->size == 16) {
            (void)snprintf(out, SL_TCG_TEXT_MAX, "at 0x%" PRIx64 ", %" PRIu64 " bytes",
                           le64(event->data), le64(event->data + 8));
        }
        break;
    case KIND_BLOB2:
        blob2_text(event, out);
        break;
    case KIND_IMAGE:
        if (event->size >= 32) {
            (void)snprintf(out, SL_TCG_TEXT_MAX, "image at 0x%" PRIx64 ", %" PRIu64 " bytes",
                           le64(event->data), le64(event->data + 8));
        }
        break;
    case KIND_TAG:
        if (event->size >= 8) {
            (void)snprintf(out, SL_TCG_TEXT_MAX, "tag %08" PRIx32 " ", sl_le32_get(event->data));
            text_copy(event->data + 8, event->size - 8, out + 13, SL_TCG_TEXT_MAX - 13);
        }
        break;
    case KIND_NO_ACTION:
        no_action_text(event, out);
        break;
    case KIND_SEPARATOR:
        separator_text(event, out);
        break;
    case KIND_OPAQUE:
        break;
    }
}

sl_rc sl_tcg_event_digest_check(const struct sl_tcg_event *event, bool *ret_is_promised)
{
    const size_t at = type_find(event->type);

    *ret_is_promised = at < TYPE_COUNT && TYPES[at].is_promised;
    for (size_t i = 0; *ret_is_promised && i < event->digest_count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(event->digests[i].alg);
        uint8_t digest[SL_TPM_DIGEST_MAX];
        EVP_MD *md =
            hash != NULL && hash->openssl != NULL ? EVP_MD_fetch(NULL, hash->openssl, NULL) : NULL;
        bool is_done;

        if (md == NULL) {
            continue; /* a bank that nobody here can compute */
        }
        is_done = EVP_Digest(event->data, event->size, digest, NULL, md, NULL) == 1;
        EVP_MD_free(md);
        if (!is_done) {
            return SL_CRYPTO;
        }
        if (event->digests[i].size != hash->size ||
            memcmp(digest, event->digests[i].data, hash->size) != 0) {
            return SL_MISMATCH;
        }
    }
    return SL_OK;
}
