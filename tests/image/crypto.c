/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about the libraries that an image brings along, and about EREPORT and EGETKEY. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/cmac.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <intel-ipsec-mb.h>

#include "device/sgx_arch.h"
#include "runtime/runtime.h"

static void print_hex(const char *name, const uint8_t *data, size_t size)
{
    printf("%s ", name);
    for (size_t i = 0; i < size; i++) {
        printf("%02x", data[i]);
    }
    printf("\n");
}

static bool cmac(const uint8_t key[16], const void *data, size_t size, uint8_t ret_mac[16])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    char cipher[] = "AES-128-CBC";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t mac_size = 0;
    bool is_ok = EVP_MAC_init(ctx, key, 16, params) == 1 && EVP_MAC_update(ctx, data, size) == 1 &&
                 EVP_MAC_final(ctx, ret_mac, &mac_size, 16) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return is_ok && mac_size == 16;
}

/* A report to ourselves, checked with our own report key: local attestation in one image. */
int case_report(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct sl_target_info target = {0};
    struct sl_report report;
    uint8_t data[64];
    for (uint8_t i = 0; i < sizeof(data); i++) {
        data[i] = i;
    }
    sl_rc rc = sl_rt_report((const uint8_t *)&target, data, (uint8_t *)&report);
    if (rc == SL_UNSUPPORTED) {
        uint8_t none[16];
        check(sl_rt_key((const uint8_t *)&(struct sl_key_request){.key_name = 4}, none) ==
              SL_UNSUPPORTED);
        printf("no reports here\n");
        return 0;
    }
    check(rc == SL_OK);
    memcpy(target.mrenclave, report.body.mrenclave, sizeof(target.mrenclave));
    target.attributes = report.body.attributes;
    target.misc_select = report.body.misc_select;
    check(sl_rt_report((const uint8_t *)&target, data, (uint8_t *)&report) == SL_OK);
    check(memcmp(report.body.report_data, data, sizeof(data)) == 0);

    struct sl_key_request request = {.key_name = 3};
    uint8_t key[16];
    uint8_t mac[16];
    memcpy(request.key_id, report.key_id, sizeof(request.key_id));
    check(sl_rt_key((const uint8_t *)&request, key) == SL_OK);
    check(cmac(key, &report.body, sizeof(report.body), mac));
    check(memcmp(mac, report.mac, sizeof(mac)) == 0);

    request = (struct sl_key_request){.key_name = 1}; /* PROVISION needs an attribute */
    check(sl_rt_key((const uint8_t *)&request, key) == SL_DENIED);
    print_hex("mrenclave", report.body.mrenclave, 32);
    printf("xfrm %llx\n", (unsigned long long)report.body.attributes.xfrm);
    return 0;
}

int case_crypto(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint8_t digest[32];
    unsigned size = 0;
    check(EVP_Digest("abc", 3, digest, &size, EVP_sha256(), NULL) == 1 && size == 32);
    check(memcmp(digest, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8) == 0);
    uint8_t a[32];
    uint8_t b[32];
    check(RAND_bytes(a, sizeof(a)) == 1 && RAND_priv_bytes(b, sizeof(b)) == 1);
    check(memcmp(a, b, sizeof(a)) != 0);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    check(key != NULL);
    EVP_PKEY_free(key);
    print_hex("random", a, sizeof(a));
    return 0;
}

int case_tls_context(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    check(ctx != NULL);
    check(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
    SSL *ssl = SSL_new(ctx);
    check(ssl != NULL);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return 0;
}

int case_ipsec_mb(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    IMB_MGR *mgr = alloc_mb_mgr(0);
    check(mgr != NULL);
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(mgr, &arch);
    check(imb_get_errno(mgr) == 0);
    printf("arch %d\n", (int)arch);
    /* AES-GCM test case 4 of the GCM specification, without its AAD: 13 zero bytes are enough to
     * see that encrypt and decrypt meet */
    const uint8_t key_bytes[16] = {0xfe, 0xff};
    const uint8_t iv[12] = {0xca, 0xfe};
    struct gcm_key_data key;
    struct gcm_context_data ctx;
    uint8_t plain[100];
    uint8_t sealed[100];
    uint8_t opened[100];
    uint8_t tag[16];
    uint8_t tag2[16];
    memset(plain, 7, sizeof(plain));
    IMB_AES128_GCM_PRE(mgr, key_bytes, &key);
    IMB_AES128_GCM_ENC(mgr, &key, &ctx, sealed, plain, sizeof(plain), iv, iv, 8, tag, 16);
    IMB_AES128_GCM_DEC(mgr, &key, &ctx, opened, sealed, sizeof(plain), iv, iv, 8, tag2, 16);
    check(memcmp(plain, opened, sizeof(plain)) == 0 && memcmp(tag, tag2, sizeof(tag)) == 0);
    check(memcmp(plain, sealed, sizeof(plain)) != 0);
    free_mb_mgr(mgr);
    return 0;
}

int main(int argc, char **argv)
{
    CRYPTO_CASE_TABLE(CASE_CALL)
    printf("no case of that name\n");
    return 100;
}
