//! Keys and signatures made for these tests alone.

/// What the signatures are over.
pub(crate) const MESSAGE: &[u8] = b"veriseal";
/// A 2048-bit key; the signatures below are by it, over [`MESSAGE`].
pub(crate) const RSA_SPKI: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAus1kJhGvbvQ9BPWQDKf7hLHurrgVrtAsImW8SDZ6V7plRWDtP16JBK+rwcIZpxGo8xbgGsWFspWT7SybKbV15WBot+yofATafY0TbTH//cIpOgpqnYQBsw+H/RKSJW+LwkzUS0ycZm7QyPppuqh1U7kNMdCPZJ+ZQa6mIhBZClPW4GdtbNA3dGEcQ+T5XmkUCjIbV7fS0IuQzX1vBDycFQoEccyV+eDaoEGF3GZcypi1fnSWYH00KN+tJFlYdW7jUeWjwcKsa10Req/iW7LdgVMldBjYevck8/r659tkFEOnMhzZSQjfKW6+SYXFn+CJC7K2EP9Xdy8JocJQxvvcywIDAQAB";
/// Pkcs1 sha256.
pub(crate) const PKCS1_SHA256: &str = "KI7o+wJovSpaZCN73YWvA5gUyAVgjFqo2JBfBKGukHcC60PihXeEqUmJUcvwfp7bdRgvxLSQ1EoroVaQHa7616vK+Bd6K1YzuezD7N6sN19p4sP1yz6usGiwMV7CMvmUBnrWy2mgX34OXciMV9YXzVva1FIVb6UO5h7gLx9n05T75t0jUiZkD11uZbuWKxRdQKrZ8Hwqgie/GOGs1E/Ojauf9xIOSClgGzhDHpZwIljA3Pc3/2UZtJvXrA9x2L0G5OlPsE03PKzTVu3ewZ+tB8A9pjGoRFQmNNj9xUIRUBVhrFNq1cA47MAOspBm/e80xlLktWSi95gG3spE2kTSkA==";
/// Pkcs1 sha384.
pub(crate) const PKCS1_SHA384: &str = "X7tLAdR3nl26esw02VTGcssGQhr86cjciFVexduVSWxL5bxMECTZjUJRrwgUgd52WfK24yD5ANT2pLrdaX4mzcntbgrcdgFrrXyP7zeYnRmaZD0o/ycx5MHH1ywDqhl6dXSF5/vNu9BvuYP7coM5BE4B8Q1y2lBTlGXfNxPT40Nd3q/zu3LBRv0G+KLdjT0/GAoM5HLc0YsL5rr/i2ZQaKZ9Y09A1tyxM6bT9vvx5NqlG3a92J3o/sz7HZC2eHAwyvozBcz90srwhzV2OD3/gYJMrXFWvV35u/3MS+DdAMQe2Dqc6qyCNnJl6H8QPnTvWz/AG3tqEnXinl8ITYSwCA==";
/// Pkcs1 sha512.
pub(crate) const PKCS1_SHA512: &str = "cPqf/J93L7GjWDNY/QvZJ9U+Pe7wExBIODAGJ1FltT4oYJI5VZlCI8QYs53HJOZ5kTueIqudshpCf1AWfht+28Z+J+O4q+5d7EjNuNwe2eFoaoQbKdndpnhM6CmRm0Z5WIOV1HP8q20Y5gwt9BFxUSDVDv5As7WgCOQCsJAuknCktXq5tL3y7FCqNiG7RBGHDSX7JdTHRq2T2rAcbzY8399r7E2GDX728GdJlMdwmaf3Pkx34gnS6rvskIJHyiNZXwc/jWenoH1obE/n9fItFeP08scPKbqzDjNuf9YnmdbHb8rhOpkju6BXNA0YIDjHWhoa/TtlspgXdQ+6NU3x7g==";
/// Pss sha256 salt 32.
pub(crate) const PSS_SHA256_SALT_32: &str = "adahgnwt49vf7RgPz74LTXILFp1mU0AmPqIJaS3PNdpmEGThf1r2SvYHadiR/Al36xM81tzW/X8/xZV/dZ6SO4+w2YSjgSYxETKkfk/29TxP8gUw+yWU4+6S69enwHzfSoeqC/ftz16dga4ZPB1oFWv6E0bPr8zLKDO04z46x2Bc6z75iEkvHBKAq7T3MZRuMm0uTKpvF9tXXCRJh/oGqo3398nyVW73jm1qKcz7jkb7SY1kjGunCVJRYM2/AYdBTxiMR8XNKRrbRxkZmVd1Yrlu8baEKj/Lle29LSnpgzxTlnowdEf/qmlwBLy/5Cm3oXop9EOUbelGBcE4cJOIyQ==";
/// One octet of salt too few.
pub(crate) const PSS_SHA256_SALT_31: &str = "XWzkUqhQLxXCfb8WJ1zs9nx6bjsM1Dgc2790URMZDrHXqQnvCB6BtgxyT8sxNLrWhZzIu9uagFqRIVhSkVE1BCwbh9uWGcL1SLF7naBhOJ1DzdCzi5CTeNbMbzc1v6hjvGv5Sk81DA7d76yfom46WYqHvfRS935+cXxAeXzZdW8oOGBV14Fumd0Bx2PuR1Q7tIm+NWh3dRO3XrlgsSz2tizQlvF+Nw05jypZ00Q5pUmjVlxGSE1Rsj5Q8AEf5jF/uMl7nNX4cU3OvS4ea7XP+wXqPlIOimPTzsU1qD1+UiZoTU+egOKuborDsmHKohJjYjUoYUEJWY8yVPF9RPs+1A==";
/// As Sigstore signers write it.
pub(crate) const PSS_SHA256_SALT_MAX: &str = "Hmm3ZL/eEE8sL6SMPX9/FgjHqXH7eheETiU2qeSNetjMfmS4+IlS6nFItbvZ57U6vzuYNcmC3gtytnPARhyLubNjnUFAdqdPI3i7+S5UAgfKsfto5JI14gD3B+L2vpZO4Wgim8RvrI2jz238ZZoaqtpzHNOqRv3BS4mZW/i/JGa2gFcVndNtUc/DvxH8YOqg8yzXThHehepRea9dj6L4RXctw//M3OEnTKqBYXXqxtyz+x8b4fETsYImIzrzz1R7YuKU6EAQkp4B5cTcJjLbAzJOsGJwm4P7lKnR+vU1lzU8avIwh8Y/Upw8ie7eqM5LRqqAcNZufAvnYnBHkNCdlA==";
/// Pss sha384 salt 48.
pub(crate) const PSS_SHA384_SALT_48: &str = "e/8RrxCdnAdZI/ZgWqytiitVmZR6AIKWJqlKP4bcqJ5j1MDeNVIJaowtSc/yzvFRgcLPTyz71WS5B/Y9OSlEhlsTojEUaYEHb5+K91nGZGaiQdrhRklFslvT2QsK6pAENR/goYwf6ziRwC0AR/cEQ7ZOxo/eBZGvBOmhzuvmJkAT+3xorfW3+A7+x/9FeT78ShFc/ZJ7uXQ9Ex4dmSYtahtfKprDHCopL6TA0Ms72Svh2Pr5q7raErrziQHMQge+OxS8CxOzIEQTzDea4b4LCAiXpLD40WIMafLmia+zwfcX5W8HvizTrYVpGLgrfR+zmCA2K0U2JeD1dSZMisvEeg==";
/// Pss sha512 salt 64.
pub(crate) const PSS_SHA512_SALT_64: &str = "b2YvJWF2JzHmfhvQrAPrJDzGHfxzVH78i77N7J667XW/UKNKHtJIOUTFxNFmDFgm2mtD4ccJWlHmJj3Yr6jrRxvqR544hnD928pH6AI03jzoJqSr38YTlmEtwLlJt2GRblVwq0sFLUZNK0/2zLwHaxIjmemu2xtAhgMHk+RUbkTi9LJ9lmHU9mNM34fpjZjpkyFSdNO4/bsvAw3N78mnbgNOWwyWanzQxcRY27Hz46++LUYRtZelOkoEHgkChi9KhncdG/i3CirbETCvdLRU30MhqvpMbxXMuOoObh/5kIrrZPk/wEOayfFic6mM6c5VvpNFvoMkBm+2s77goJenMQ==";
/// MGF1 with another hash than the message.
pub(crate) const PSS_SHA256_MGF1_SHA512: &str = "D+8ih1yT96emrKZXCXB+oaSo9MPTSyYqCUZA2NyLQvk5xvMeP1usDBRc7XiBKropwkVOdR3Bj5gR6XJpXiCFqiR8SbqhInYEEe9KmkOFBfhl9CVusIREFhing80NUHVw7TXhPci8I/J6O4yHjbQdE9aI6BppFHtHQvYhpChG3T79TGB84/rp9UTlKnXxJIgcf/iMNTSMYkjIuo1JH+i0AhNn5r0SoyOa2IfebUTuNsjiUr5J6U9n9e5Arslamb0E471pWC4L54UCotOxYc1WFZi3YJLGKA+6+LPKTEltymYJNt3XZWgqjQZEiYBNO90+nLM793mxxo1nyjrgCFIQ9g==";
/// Rsa 1024.
pub(crate) const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7FioA+KHGl7eSVH2z2UsTOAZRjgwIHZPjq06FjwGHq6uuuv9pGPLKogVq+xKuoQ46oSv1QJXHJRFvmp/uSMlPnvjvQreKAmfx2YdjzPp2KMTYyWJ72sm4fF92e3ftnSrwSXQUBv5ykkhnwiSc9zUnR0GsbXqbUqkyFqwTtApS4wIDAQAB";
/// Rsa 2040.
pub(crate) const RSA_2040: &str = "MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQAAucM0u6gbBUSRZpbYwFlwBWptNtRD33YyX4NWzPCsqx5GyUp/NVSkGlneMiuNbCP4uU93YuH5kY0jrPRdkbOUXz1pcCg9mmNFiO8yVhe36C+YccPyWnXGeBWQFEfkgBVnxPJjyPFhmIJvZ+WyL46v/MIAlLw9bNG+evvjIUDkEnPDK/CKY70zFvbvYncuRKbnywSC+r4D1ut+KXPqQVL+Ioj+nZQwgj7JXSVGtp8na4pCy/p02I9k4RazRXGlhvdQXSXw7Tfj+ZVwbcCE6CblU8PTxRTeX6jVrS0FjDo2FtfezlCnCqcOh8w3cAoZP9WEVBD5ZwOXp+b2sBPh+70nAgMBAAE=";
/// 2048 bits, e = 3.
pub(crate) const RSA_EXPONENT_3: &str = "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAnDCOra0Lyj8My4ObdMD9Pm9EGpEpXQ7vFFwIZohv+7WXiYbcG/UeSnMmbDGp9Jyx7klYPMpnCb7ZacXgQQ65m43UfVmBlFHy8PjYB1J+KOmPOivzHUOAgZqpNFrkB8LoSxO+iFllAqpqrDIdWZq39lcfW/A7awgrJAY/9+LAIChym/vZUStdcexI2OmzOwYZDingIZnlUTAMZFpgkOrFuiwYuu1l/f2MiqCPsFWVzetwuu7xKtZDgzlNBo4dAZ0Mp+lhz7xP6lu78FgxMRw596M/E3uo844guztQc/MTwZ3z5LalWSPMwAR3GXfngb9hODn1/E9ieHzGtkm5DCazuwIBAw==";
/// P192.
pub(crate) const P192: &str =
    "MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEBSvZ3cc1Qcu8TyFfq2+CN8P16JbRDtkjvDlPR6i2cYKkAIWfkiujzrSo572XqGZ8";
/// Secp256k1.
pub(crate) const SECP256K1: &str =
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE85ED3XjjajpFX8y5mfZ9FAklvBVVSTPJmomVGoxP/beHAUvQfUe/UhIjoLNF6GI3Eh5hvFIM5so3KsL6XV57dg==";
/// 1024 bits.
pub(crate) const DSA: &str = "MIIBtzCCASwGByqGSM44BAEwggEfAoGBAOQ8OLc9IdngzGjiYJsyJX7S49ahnix0//B9BsELsgBMrE/JhFW3ypS+ML1zXJvd9nDUyir3sPQih+eATwhhCB3fA0AcFqyNAAIuM2P0ClMimS/5kGEmH8iKVLlVa2qZU1YwGNYGOTq+t+vWKNeIVCUV7JTqma+5+f2L/mXDVz1nAhUAr5ZKkk7cuEoqTG8Dmu34ZDAfB10CgYEAyQu1MDw9E01Z+m7eflGf7dV4aRe3cbmvhv4WvhBCWCmJAXO6yw60c01rosKDyX8EL3PC0W9xRZJ0200m7z0v0MzmahM1GwUpiWaWxuEMn1fKwekzwotKzOMjRB06JbvIorAnqctuCXocKUq+dJ2wxgL0Mu/2Wa8cSCQWLFh8NcEDgYQAAoGAGSwYLbiTc8OciYV0jGMLogdNNpI4iHb1fps4YWWHUz7+rdkQd0uSD4L7fCphtuA59o9UoUhBojB6JfXANfqTZattea0plbOAYy7Oy3QsSL2mfQusVXWa4B8RgI5+3ZxGn8opoqWGO/fXfByAWpbl1XETCnHdYmNNyAzo/0f9V3I=";
/// P-256 written with explicit parameters (CVE-2020-0601).
pub(crate) const P256_EXPLICIT: &str = "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABHH8gvhSFsDy95ksH59gykJu71lhUNB4UtBjIqEpYixXCYfkjTgPjxwXRHLhA9L/5l47dHekeazhygf1u8dC5iM=";

/// Decodes one of the constants above.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    crate::encoding::base64::decode(text).unwrap()
}
