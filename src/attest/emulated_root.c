/* SPDX-License-Identifier: Apache-2.0 */
/* The root certificate of the emulator. */
#include "attest/emulated_root.h"

static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIB1TCCAXugAwIBAgIBATAKBggqhkjOPQQDAjBAMSwwKgYDVQQDDCNTYWZlTGli\n"
                          "IGVtdWxhdGVkIFNHWCwgbm8gcHJvdGVjdGlvbjEQMA4GA1UECgwHU2FmZUxpYjAe\n"
                          "Fw0yNDAxMDEwMDAwMDBaFw00OTEyMzEyMzU5NTlaMEAxLDAqBgNVBAMMI1NhZmVM\n"
                          "aWIgZW11bGF0ZWQgU0dYLCBubyBwcm90ZWN0aW9uMRAwDgYDVQQKDAdTYWZlTGli\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEw4C7vjDRUaFKdld9Yt5w/EfS+XYx\n"
                          "xDeWRxrOZ05QAdj/vEd4Ujlyho/u7mpQyXUd3wDTsPyjxfc2jvHOiQFlHaNmMGQw\n"
                          "EgYDVR0TAQH/BAgwBgEB/wIBATAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFEaV\n"
                          "OD0nohNyMUyDcM3jM/6+8+5MMB8GA1UdIwQYMBaAFEaVOD0nohNyMUyDcM3jM/6+\n"
                          "8+5MMAoGCCqGSM49BAMCA0gAMEUCIHn7vL5KSYZO2pSUsSu/U+lRuusM5T/3uUXF\n"
                          "NGWr/i0+AiEAhwOwSYR+Zq2j1+otYYNUHAVhyiJSH7Hv5/JrUEk0zos=\n"
                          "-----END CERTIFICATE-----\n";

struct sl_blob sl_attest_emulated_root(void)
{
    return (struct sl_blob){.data = (const uint8_t *)pem, .size = sizeof(pem) - 1};
}
