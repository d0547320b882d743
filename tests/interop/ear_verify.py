#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An EAR read by PyJWT: signature by the header's own key, thumbprint, claims; a changed one refused."""
import base64
import hashlib
import json
import subprocess
import sys

try:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

key = ec.generate_private_key(ec.SECP256R1())
pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
token = subprocess.run([sys.argv[1]], input=pem, capture_output=True, check=True).stdout.decode().strip()

header = jwt.get_unverified_header(token)
assert header["alg"] == "ES256" and header["typ"] == "eat+jwt", header
jwk = header["jwk"]
assert set(jwk) == {"kty", "crv", "x", "y"}, jwk
own = jwt.algorithms.ECAlgorithm.from_jwk(json.dumps(jwk))
assert own.public_numbers() == key.public_key().public_numbers()
canonical = json.dumps({k: jwk[k] for k in ("crv", "kty", "x", "y")}, separators=(",", ":")).encode()
thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
assert header["kid"] == thumbprint, header["kid"]

claims = jwt.decode(token, key.public_key(), algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})
assert claims["eat_profile"] == "tag:github.com,2023:veraison/ear"
assert claims["iat"] == 1700000000 and claims["exp"] > claims["iat"]
assert claims["ear.verifier-id"]["developer"] == "SafeLib"
submod = claims["submods"]["sev-snp"]
assert submod["ear.status"] == "affirming", submod
assert submod["ear.trustworthiness-vector"]["instance-identity"] == 2
nonce = base64.urlsafe_b64decode(claims["eat_nonce"] + "==")
assert nonce == bytes(range(1, 65))

head, body, signature = token.split(".")
changed = json.loads(base64.urlsafe_b64decode(body + "=="))
changed["submods"]["sev-snp"]["ear.status"] = "none"
forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
for bad in (f"{head}.{forged}.{signature}", token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")):
    try:
        jwt.decode(bad, key.public_key(), algorithms=["ES256"], options={"verify_exp": False})
        sys.exit("a changed token was taken")
    except jwt.InvalidSignatureError:
        pass
print(f"EAR of {len(token)} characters verified by PyJWT {jwt.__version__}")
