/* SPDX-License-Identifier: Apache-2.0 */
/* safelib-trustd: the trust monitor, with all drivers that are built in. */
#include "trustd/program.h"

int main(int argc, char **argv)
{
    return sl_trustd_main(argc, argv, &sl_monitor_backend_product);
}
