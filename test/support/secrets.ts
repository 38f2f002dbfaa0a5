/** Fixed keys of the test environment; worthless elsewhere. */
export const testSecrets = {
  ENVIRONMENT: "local",
  OPENCRANE_API_TOKEN: "test-operator-token-of-governance",
  TOKEN_KEYS: "t1:dGVzdC10b2tlbi1rZXktdGVzdC10b2tlbi1rZXktMDE",
  SEAL_KEYS: "s1:dGVzdC1zZWFsLWtleS0tdGVzdC1zZWFsLWtleS0tMDE",
  PASSWORD_PEPPER: "dGVzdC1wZXBwZXItdGVzdC1wZXBwZXI",
  SIGNING_KEYS: JSON.stringify([
    {
      kty: "EC",
      crv: "P-256",
      kid: "test-1",
      x: "x3rtcQRC-vjKopUKMhXB4Zaw9hV516Iyw2_8Uk7k9bM",
      y: "nuYUkNUmgeGJGpdtcIxlOJTCmRZdOY1egVBd9XxvvwY",
      d: "70FbTgg-ukCVvnVoes_tMwAcOAcqeS12Ke7ssMVO5xM",
    },
  ]),
};
