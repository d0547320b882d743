/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of the SGX extension in PCK certificates. Unknown members are passed over, known ones must
 * come once, and the mandatory ones must be there. */
#include "attest/pck.h"

#include <stdio.h>

#include "attest/der.h"

/* 1.2.840.113741.1.13.1: "SGX Extensions", and the common prefix of what is in it. */
static const uint8_t SGX_OID[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

enum {
    ARC_PPID = 1,
    ARC_TCB = 2,
    ARC_PCE_ID = 3,
    ARC_FMSPC = 4,
    ARC_SGX_TYPE = 5,
    ARC_INSTANCE_ID = 6,
    ARC_CONFIGURATION = 7,
};
enum { ARC_TCB_PCE_SVN = 17, ARC_TCB_CPU_SVN = 18 };
enum { ARC_CONF_DYNAMIC = 1, ARC_CONF_CACHED = 2, ARC_CONF_SMT = 3 };
enum { MEMBERS_MAX = 64 };

/* One level of the extension: SEQUENCE OF SEQUENCE { id OBJECT IDENTIFIER, value ANY }. */
struct level {
    struct sl_reader members;
    uint8_t prefix[sizeof(SGX_OID) + 1];
    size_t prefix_size;
    uint32_t seen; /* bit per arc */
    size_t count;
};

static void level_init(struct level *level, struct sl_reader content, uint8_t arc)
{
    *level = (struct level){.members = content, .prefix_size = sizeof(SGX_OID)};
    memcpy(level->prefix, SGX_OID, sizeof(SGX_OID));
    if (arc != 0) {
        level->prefix[level->prefix_size++] = arc;
    }
}

/* Next member: its arc below the prefix (0: not ours), its value in @p ret_value. */
static bool level_next(struct level *level, uint8_t *ret_arc, struct sl_reader *ret_value)
{
    struct sl_reader *r = &level->members;
    if (r->rc != SL_OK || sl_reader_left(r) == 0) {
        return false;
    }
    struct sl_reader oid;
    sl_der_read(r, SL_DER_SEQUENCE, ret_value);
    sl_der_read(ret_value, SL_DER_OID, &oid);
    if (ret_value->rc != SL_OK || ++level->count > MEMBERS_MAX) {
        sl_reader_fail(r, SL_MALFORMED);
        return false;
    }
    size_t size = sl_reader_left(&oid);
    *ret_arc = 0;
    if (size == level->prefix_size + 1 && memcmp(oid.data, level->prefix, size - 1) == 0 &&
        oid.data[size - 1] < 32) {
        *ret_arc = oid.data[size - 1];
        if ((level->seen & 1U << *ret_arc) != 0) {
            sl_reader_fail(r, SL_MALFORMED);
            return false;
        }
        level->seen |= 1U << *ret_arc;
    }
    return true;
}

/* The value must be whole: nothing behind it, nothing wrong in it. */
static void level_take(struct level *level, const struct sl_reader *value)
{
    sl_rc rc = sl_reader_end(value);
    if (rc != SL_OK) {
        sl_reader_fail(&level->members, rc);
    }
}

static sl_rc level_end(const struct level *level, uint32_t mandatory)
{
    if (level->members.rc != SL_OK) {
        return level->members.rc;
    }
    return (level->seen & mandatory) == mandatory ? SL_OK : SL_MALFORMED;
}

static void read_octets(struct sl_reader *value, uint8_t *out, size_t size)
{
    struct sl_reader content;
    sl_der_read(value, SL_DER_OCTET_STRING, &content);
    if (value->rc == SL_OK && sl_reader_left(&content) != size) {
        sl_reader_fail(value, SL_MALFORMED);
    }
    sl_reader_copy(&content, out, size);
}

static sl_rc read_tcb(struct sl_reader *value, struct sl_pck *pck)
{
    struct sl_reader content;
    struct level level;
    struct sl_reader member;
    uint8_t arc;
    sl_der_read(value, SL_DER_SEQUENCE, &content);
    level_init(&level, content, ARC_TCB);
    while (level_next(&level, &arc, &member)) {
        if (arc >= 1 && arc <= SL_PCK_COMPONENTS) {
            pck->components[arc - 1] = (uint8_t)sl_der_read_uint(&member, SL_DER_INTEGER, 255);
        } else if (arc == ARC_TCB_PCE_SVN) {
            pck->pce_svn = (uint16_t)sl_der_read_uint(&member, SL_DER_INTEGER, 65535);
        } else if (arc == ARC_TCB_CPU_SVN) {
            read_octets(&member, pck->cpu_svn, sizeof(pck->cpu_svn));
        } else {
            continue;
        }
        level_take(&level, &member);
    }
    return level_end(&level, 0x7fffeU); /* arcs 1 to 18 */
}

static sl_rc read_configuration(struct sl_reader *value, struct sl_pck *pck)
{
    struct sl_reader content;
    struct level level;
    struct sl_reader member;
    uint8_t arc;
    sl_der_read(value, SL_DER_SEQUENCE, &content);
    level_init(&level, content, ARC_CONFIGURATION);
    while (level_next(&level, &arc, &member)) {
        if (arc == ARC_CONF_DYNAMIC) {
            pck->has_dynamic_platform = true;
            pck->is_dynamic_platform = sl_der_read_bool(&member);
        } else if (arc == ARC_CONF_CACHED) {
            pck->has_cached_keys = true;
            pck->is_cached_keys = sl_der_read_bool(&member);
        } else if (arc == ARC_CONF_SMT) {
            pck->has_smt_enabled = true;
            pck->is_smt_enabled = sl_der_read_bool(&member);
        } else {
            continue;
        }
        level_take(&level, &member);
    }
    return level_end(&level, 0);
}

static void read_member(uint8_t arc, struct sl_reader *value, struct sl_pck *pck)
{
    switch (arc) {
    case ARC_PPID:
        read_octets(value, pck->ppid, sizeof(pck->ppid));
        break;
    case ARC_TCB:
        sl_reader_fail(value, read_tcb(value, pck));
        break;
    case ARC_PCE_ID:
        read_octets(value, pck->pce_id, sizeof(pck->pce_id));
        break;
    case ARC_FMSPC:
        read_octets(value, pck->fmspc, sizeof(pck->fmspc));
        break;
    case ARC_SGX_TYPE:
        pck->sgx_type = (uint8_t)sl_der_read_uint(value, SL_DER_ENUMERATED, 2);
        break;
    case ARC_INSTANCE_ID:
        pck->has_platform_instance_id = true;
        read_octets(value, pck->platform_instance_id, sizeof(pck->platform_instance_id));
        break;
    case ARC_CONFIGURATION:
        pck->has_configuration = true;
        sl_reader_fail(value, read_configuration(value, pck));
        break;
    default:
        break;
    }
}

sl_rc sl_pck_parse(struct sl_blob der, struct sl_pck *ret_pck, char ret_why[SL_PCK_WHY_SIZE])
{
    static const char *const NAMES[] = {
        "SGX extensions",       "PPID",         "TCB", "PCE-ID", "FMSPC", "SGX type",
        "platform instance id", "configuration"};
    struct sl_pck pck = {0};
    struct sl_reader outer;
    struct sl_reader content;
    struct level level;
    struct sl_reader member;
    uint8_t arc = 0;
    ret_why[0] = '\0';
    sl_reader_init(&outer, der.data, der.size);
    sl_der_read(&outer, SL_DER_SEQUENCE, &content);
    level_init(&level, content, 0);
    while (level_next(&level, &arc, &member)) {
        if (arc < ARC_PPID || arc > ARC_CONFIGURATION) {
            arc = 0;
            continue;
        }
        read_member(arc, &member, &pck);
        level_take(&level, &member);
    }
    sl_rc rc = level_end(&level, 0x3eU); /* PPID, TCB, PCE-ID, FMSPC, SGX type */
    if (rc == SL_OK) {
        rc = sl_reader_end(&outer);
        arc = 0;
    }
    if (rc != SL_OK) {
        (void)snprintf(ret_why, SL_PCK_WHY_SIZE, "the certificate's %s: %s (seen 0x%x)",
                       NAMES[arc <= ARC_CONFIGURATION ? arc : 0], sl_rc_text(rc),
                       (unsigned int)level.seen);
        return rc;
    }
    *ret_pck = pck;
    return SL_OK;
}

const char *sl_pck_sgx_type_text(uint8_t type)
{
    static const char *const TEXTS[] = {"standard", "scalable", "scalable with integrity"};
    return type < 3 ? TEXTS[type] : "unknown";
}
