import { CompactEncrypt, SignJWT, compactDecrypt, errors, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose'

export default async () => {
  const secret = new TextEncoder().encode('a secret of at least 32 bytes, as HS256 wants')
  const token = await new SignJWT({ role: 'admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ann')
    .setIssuedAt(1e9)
    .setExpirationTime(4e9)
    .sign(secret)
  const { payload } = await jwtVerify(token, secret, { subject: 'ann' })
  const tampered = await jwtVerify(`${token.slice(0, -4)}AAAA`, secret).catch(
    (error) => error instanceof errors.JWSSignatureVerificationFailed,
  )
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const signed = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  const jwk = await exportJWK(publicKey)
  const verified = await jwtVerify(signed, await importJWK(jwk, 'ES256'))
  const jwe = await new CompactEncrypt(new TextEncoder().encode('hidden'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(secret.slice(0, 32))
  const { plaintext } = await compactDecrypt(jwe, secret.slice(0, 32))
  return [token, payload, tampered, verified.payload, jwk.kty, new TextDecoder().decode(plaintext)]
}
