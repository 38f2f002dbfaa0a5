/** A hash that scripts/lib/argon2.mjs made under the test pepper: the scripts must make it again, the worker must accept it. */
export const scriptedPassword = {
  password: "correct horse battery staple",
  salt: "sixteen-byte-slt",
  phc: "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbi1ieXRlLXNsdA$UKN3DiHHMSlC4SVQkrYvIT4+vHswe5zziAi3zl696wE",
} as const;
