/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator's key hierarchy: same rules as the processor's, no protection at all. */
#include "device/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/secret.h"

/* The emulator's version: any increase lets old keys be derived but not the other way about. */
static const uint8_t emulated_cpu_svn[16] = {1};

/* SDM EGETKEY, key dependencies: everything that makes one key differ from another. Hashed as
   bytes, so packed and without holes. "Changing" a member moves every sealed blob. */
struct dependencies {
    uint16_t key_name;
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t key_policy;
    uint16_t config_svn;
    uint8_t cet_attributes;
    uint8_t cet_attributes_mask;
    uint32_t misc_select;
    uint32_t misc_mask;
    struct sl_attributes attributes;
    struct sl_attributes attributes_mask;
    uint8_t cpu_svn[16];
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t key_id[32];
    uint8_t config_id[64];
} __attribute__((packed));

static bool cmac(const uint8_t key[SL_KEY_SIZE], const void *data, size_t size,
                 uint8_t ret_mac[SL_KEY_SIZE])
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t out = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    bool is_ok = ctx != NULL && EVP_MAC_init(ctx, key, SL_KEY_SIZE, params) == 1 &&
                 EVP_MAC_update(ctx, data, size) == 1 &&
                 EVP_MAC_final(ctx, ret_mac, &out, SL_KEY_SIZE) == 1 && out == SL_KEY_SIZE;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return is_ok;
}

/* SP 800-108 in counter mode with HMAC-SHA-256, one block: what Intel calls derivekey is not
   public, and need not be the same. */
static sl_rc derive(const struct sl_machine *machine, const struct dependencies *d,
                    uint8_t ret_key[SL_KEY_SIZE])
{
    static const char label[] = "SafeLib emulated SGX, no protection";
    uint8_t input[4 + sizeof(label) + sizeof(*d) + 4] = {0, 0, 0, 1};
    uint8_t out[32];
    size_t size = 0;
    memcpy(input + 4, label, sizeof(label)); /* its terminator is the separator */
    memcpy(input + 4 + sizeof(label), d, sizeof(*d));
    input[sizeof(input) - 1] = SL_KEY_SIZE * 8;
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, machine->fuse, sizeof(machine->fuse), input,
                  sizeof(input), out, sizeof(out), &size) == NULL ||
        size != sizeof(out)) {
        return SL_CRYPTO;
    }
    memcpy(ret_key, out, SL_KEY_SIZE);
    sl_wipe(out, sizeof(out));
    return SL_OK;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= data[i];
    }
    return all == 0;
}

static bool is_cpu_svn_beyond(const uint8_t want[16], const uint8_t have[16])
{
    for (size_t i = 0; i < 16; i++) {
        if (want[i] > have[i]) {
            return true;
        }
    }
    return false;
}

/* What every key that takes the request's SVNs and masks shares. */
static void depend_on_request(const struct sl_secs *secs, const struct sl_key_request *request,
                              uint64_t required_flags, uint64_t required_xfrm,
                              struct dependencies *d)
{
    d->isv_svn = request->isv_svn;
    d->isv_prod_id = secs->isv_prod_id;
    memcpy(d->cpu_svn, request->cpu_svn, sizeof(d->cpu_svn));
    d->attributes_mask = request->attribute_mask;
    d->attributes.flags = (request->attribute_mask.flags | required_flags) & secs->attributes.flags;
    d->attributes.xfrm = (request->attribute_mask.xfrm | required_xfrm) & secs->attributes.xfrm;
    d->misc_mask = request->misc_mask;
    d->misc_select = request->misc_mask & secs->misc_select;
    d->cet_attributes_mask = request->cet_attributes_mask;
}

/* KEYPOLICY's choice of identities, for the SEAL key. */
static void depend_on_policy(const struct sl_identity *id, const struct sl_key_request *request,
                             struct dependencies *d)
{
    uint16_t policy = request->key_policy;
    d->key_policy = policy;
    memcpy(d->key_id, request->key_id, sizeof(d->key_id));
    if (policy & SL_KEYPOLICY_MRENCLAVE) {
        memcpy(d->mrenclave, id->secs->mrenclave, sizeof(d->mrenclave));
    }
    if (policy & SL_KEYPOLICY_MRSIGNER) {
        memcpy(d->mrsigner, id->secs->mrsigner, sizeof(d->mrsigner));
    }
    if (policy & SL_KEYPOLICY_NOISVPRODID) {
        d->isv_prod_id = 0;
    }
    if (policy & SL_KEYPOLICY_CONFIGID) {
        memcpy(d->config_id, id->secs->config_id, sizeof(d->config_id));
        d->config_svn = request->config_svn;
    }
    if ((policy & SL_KEYPOLICY_ISVFAMILYID) && id->isv_family_id != NULL) {
        memcpy(d->isv_family_id, id->isv_family_id, sizeof(d->isv_family_id));
    }
    if ((policy & SL_KEYPOLICY_ISVEXTPRODID) && id->isv_ext_prod_id != NULL) {
        memcpy(d->isv_ext_prod_id, id->isv_ext_prod_id, sizeof(d->isv_ext_prod_id));
    }
}

/* SDM EGETKEY, REPORT_KEY: the identity of the enclave that may verify, and the request's KEYID. */
static void report_dependencies(const uint8_t cpu_svn[16], const struct sl_target_info *target,
                                const uint8_t key_id[32], struct dependencies *d)
{
    d->key_name = SL_KEYNAME_REPORT;
    d->attributes = target->attributes;
    d->misc_select = target->misc_select;
    d->cet_attributes = target->cet_attributes;
    d->config_svn = target->config_svn;
    memcpy(d->config_id, target->config_id, sizeof(d->config_id));
    memcpy(d->mrenclave, target->mrenclave, sizeof(d->mrenclave));
    memcpy(d->cpu_svn, cpu_svn, sizeof(d->cpu_svn));
    memcpy(d->key_id, key_id, sizeof(d->key_id));
}

static void own_target(const struct sl_secs *secs, struct sl_target_info *ret_target)
{
    *ret_target = (struct sl_target_info){
        .attributes = secs->attributes,
        .misc_select = secs->misc_select,
        .config_svn = secs->config_svn,
    };
    memcpy(ret_target->mrenclave, secs->mrenclave, sizeof(ret_target->mrenclave));
    memcpy(ret_target->config_id, secs->config_id, sizeof(ret_target->config_id));
}

static bool is_request_gp(const struct sl_secs *secs, const struct sl_key_request *request)
{
    const uint16_t kss_policy = SL_KEYPOLICY_NOISVPRODID | SL_KEYPOLICY_CONFIGID |
                                SL_KEYPOLICY_ISVFAMILYID | SL_KEYPOLICY_ISVEXTPRODID;
    const uint16_t all = SL_KEYPOLICY_MRENCLAVE | SL_KEYPOLICY_MRSIGNER | kss_policy;
    /* SDM EGETKEY: "IF ( (KEYREQUEST reserved fields are not zero) or (KEYPOLICY.RESERVED is not
       zero) ) THEN #GP(0)", and KSS policies without ATTRIBUTES.KSS likewise. */
    return request->reserved1 != 0 || !is_zero(request->reserved2, sizeof(request->reserved2)) ||
           (request->key_policy & ~all) != 0 ||
           (!(secs->attributes.flags & SL_ATTR_KSS) &&
            ((request->key_policy & kss_policy) != 0 || request->config_svn != 0));
}

/* SGX_SUCCESS, or why the processor refuses the request. */
static uint32_t request_error(const struct sl_machine *machine, const struct sl_secs *secs,
                              const struct sl_key_request *request)
{
    uint64_t needed = 0;
    switch (request->key_name) {
    case SL_KEYNAME_REPORT: /* takes nothing but KEYID from the request */
        return SL_SGX_SUCCESS;
    case SL_KEYNAME_SEAL:
        break;
    case SL_KEYNAME_PROVISION:
    case SL_KEYNAME_PROVISION_SEAL:
        needed = SL_ATTR_PROVISIONKEY;
        break;
    case SL_KEYNAME_EINITTOKEN:
        needed = SL_ATTR_EINITTOKENKEY;
        break;
    default:
        return SL_SGX_INVALID_KEYNAME;
    }
    if ((secs->attributes.flags & needed) != needed) {
        return SL_SGX_INVALID_ATTRIBUTE;
    }
    if (is_cpu_svn_beyond(request->cpu_svn, machine->cpu_svn)) {
        return SL_SGX_INVALID_CPUSVN;
    }
    if (request->isv_svn > secs->isv_svn || request->config_svn > secs->config_svn) {
        return SL_SGX_INVALID_ISVSVN;
    }
    return SL_SGX_SUCCESS;
}

static sl_rc rc_of(uint32_t error)
{
    switch (error) {
    case SL_SGX_SUCCESS:
        return SL_OK;
    case SL_SGX_INVALID_ATTRIBUTE:
        return SL_DENIED;
    case SL_SGX_INVALID_KEYNAME:
        return SL_UNSUPPORTED;
    default:
        return SL_RANGE;
    }
}

static void make_dependencies(const struct sl_machine *machine, const struct sl_identity *id,
                              const struct sl_key_request *request, struct dependencies *d)
{
    /* SDM EGETKEY: "REQUIRED_SEALING_MASK" is INIT and DEBUG: a debug enclave never gets a
       production enclave's keys. Provisioning keys take all but the lower bits likewise. */
    const uint64_t required = SL_ATTR_INIT | SL_ATTR_DEBUG;
    struct sl_target_info self;
    switch (request->key_name) {
    case SL_KEYNAME_REPORT:
        own_target(id->secs, &self);
        report_dependencies(machine->cpu_svn, &self, request->key_id, d);
        break;
    case SL_KEYNAME_SEAL:
        depend_on_request(id->secs, request, required, 0, d);
        depend_on_policy(id, request, d);
        break;
    case SL_KEYNAME_EINITTOKEN:
        depend_on_request(id->secs, request, required, 0, d);
        memcpy(d->mrsigner, id->secs->mrsigner, sizeof(d->mrsigner));
        memcpy(d->key_id, request->key_id, sizeof(d->key_id));
        break;
    default: /* PROVISION, PROVISION_SEAL */
        depend_on_request(id->secs, request, required, 0, d);
        memcpy(d->mrsigner, id->secs->mrsigner, sizeof(d->mrsigner));
        break;
    }
    d->key_name = request->key_name;
}

sl_rc sl_machine_egetkey(const struct sl_machine *machine, const struct sl_identity *identity,
                         const struct sl_key_request *request, uint8_t ret_key[SL_KEY_SIZE],
                         uint32_t *ret_error)
{
    if (is_request_gp(identity->secs, request)) {
        return SL_INVALID;
    }
    *ret_error = request_error(machine, identity->secs, request);
    if (*ret_error != SL_SGX_SUCCESS) {
        return rc_of(*ret_error);
    }
    struct dependencies d = {0};
    make_dependencies(machine, identity, request, &d);
    sl_rc rc = derive(machine, &d, ret_key);
    sl_wipe(&d, sizeof(d));
    return rc;
}

static void body_of(const struct sl_machine *machine, const struct sl_identity *id,
                    const uint8_t report_data[64], struct sl_report_body *ret_body)
{
    const struct sl_secs *secs = id->secs;
    *ret_body = (struct sl_report_body){
        .misc_select = secs->misc_select,
        .attributes = secs->attributes,
        .isv_prod_id = secs->isv_prod_id,
        .isv_svn = secs->isv_svn,
        .config_svn = secs->config_svn,
    };
    memcpy(ret_body->cpu_svn, machine->cpu_svn, sizeof(ret_body->cpu_svn));
    memcpy(ret_body->mrenclave, secs->mrenclave, sizeof(ret_body->mrenclave));
    memcpy(ret_body->mrsigner, secs->mrsigner, sizeof(ret_body->mrsigner));
    memcpy(ret_body->config_id, secs->config_id, sizeof(ret_body->config_id));
    if (id->isv_family_id != NULL) {
        memcpy(ret_body->isv_family_id, id->isv_family_id, sizeof(ret_body->isv_family_id));
    }
    if (id->isv_ext_prod_id != NULL) {
        memcpy(ret_body->isv_ext_prod_id, id->isv_ext_prod_id, sizeof(ret_body->isv_ext_prod_id));
    }
    memcpy(ret_body->report_data, report_data, sizeof(ret_body->report_data));
}

sl_rc sl_machine_ereport(const struct sl_machine *machine, const struct sl_identity *identity,
                         const struct sl_target_info *target, const uint8_t report_data[64],
                         struct sl_report *ret_report)
{
    if (target->reserved1 != 0 || !is_zero(target->reserved2, sizeof(target->reserved2)) ||
        !is_zero(target->reserved3, sizeof(target->reserved3))) {
        return SL_INVALID;
    }
    struct sl_report report;
    struct dependencies d = {0};
    uint8_t key[SL_KEY_SIZE];
    body_of(machine, identity, report_data, &report.body);
    memcpy(report.key_id, machine->report_key_id, sizeof(report.key_id));
    report_dependencies(machine->cpu_svn, target, report.key_id, &d);
    sl_rc rc = derive(machine, &d, key);
    /* SDM EREPORT: "TMP_REPORT.MAC := cmac(TMP_REPORTKEY, TMP_REPORT[3071:0])": the first 384
       bytes, that is the body. */
    if (rc == SL_OK && !cmac(key, &report.body, sizeof(report.body), report.mac)) {
        rc = SL_CRYPTO;
    }
    if (rc == SL_OK) {
        *ret_report = report;
    }
    sl_wipe(key, sizeof(key));
    sl_wipe(&d, sizeof(d));
    return rc;
}

sl_rc sl_report_verify(const struct sl_report *report, const uint8_t report_key[SL_KEY_SIZE])
{
    uint8_t mac[SL_KEY_SIZE];
    if (!cmac(report_key, &report->body, sizeof(report->body), mac)) {
        return SL_CRYPTO;
    }
    return sl_equal_ct(mac, report->mac, sizeof(mac)) ? SL_OK : SL_AUTH;
}

sl_rc sl_machine_init_transient(struct sl_machine *ret_machine)
{
    struct sl_machine machine = {0};
    memcpy(machine.cpu_svn, emulated_cpu_svn, sizeof(machine.cpu_svn));
    if (RAND_priv_bytes(machine.fuse, sizeof(machine.fuse)) != 1 ||
        RAND_bytes(machine.report_key_id, sizeof(machine.report_key_id)) != 1) {
        return SL_CRYPTO;
    }
    *ret_machine = machine;
    sl_wipe(&machine, sizeof(machine));
    return SL_OK;
}

void sl_machine_done(struct sl_machine *machine)
{
    sl_wipe(machine, sizeof(*machine));
}
