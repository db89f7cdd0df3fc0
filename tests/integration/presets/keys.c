// SPDX-License-Identifier: MIT
/* Keys from passwords. The digests are fetched anew each time, so their handles differ. */
#include "exercise.h"

#include <openssl/evp.h>

static const char *const passwords[] = {"", "password", "Password", "pass\xc3\xb6rt"};
static const unsigned char salt[] = "salt and more of it";

static void derive(const char *digest_name)
{
    EVP_MD *digest = EVP_MD_fetch(NULL, digest_name, NULL);

    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        for (int n_bytes = 16; n_bytes <= 64; n_bytes += 24) {
            unsigned char key[64];
            int result, n_password = i % 2 == 1 ? -1 : (int)strlen(passwords[i]);

            spoil(key, sizeof(key));
            CALL(PKCS5_PBKDF2_HMAC, result == 1,
                 result = PKCS5_PBKDF2_HMAC(passwords[i], n_password, salt, (int)sizeof(salt) - 1,
                                            100 + n_bytes, digest, n_bytes, key));
            show_number(result);
            show_bytes(key, sizeof(key));
        }
    }
    EVP_MD_free(digest);
}

static void exercise(void)
{
    derive("SHA1");
    derive("SHA256");
    derive("SHA512");
    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        for (uint64_t n = 15; n <= 32; n++) { /* only powers of two */
            unsigned char key[40];
            int result;

            spoil(key, sizeof(key));
            CALL(EVP_PBE_scrypt, result == 1,
                 result = EVP_PBE_scrypt(passwords[i], strlen(passwords[i]), salt, sizeof(salt), n,
                                         8, 1, 0, key, sizeof(key) - 3));
            show_number(result);
            show_bytes(key, result == 1 ? sizeof(key) : 0);
        }
    }
}
