/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an NF image's main() calls: the control thread and one worker per shard, until the host ends
 * the image.
 */
#ifndef SL_IMAGE_IMAGE_H
#define SL_IMAGE_IMAGE_H

/** Start parameters (given by the host, so not trusted to be honest, only checked for form):
 *   --tenant-key-sha256 HEX  required: SHA-256 of the SubjectPublicKeyInfo (DER) of the only key
 *                            that may provision this image. A host that puts in another key gets an
 *                            image that the tenant's evidence check will not accept.
 *   --device NAME            shown in hello and status, a hint
 *   --polling                scheduling (read by the runtime)
 * @return exit code of the image: 2 for bad start parameters, 1 where it cannot start; otherwise it
 *         does not return */
int sl_image_main(int argc, char **argv);

#endif
