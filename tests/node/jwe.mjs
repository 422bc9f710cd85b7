// JWE as the npm package jose does it. Reads an object of JSON, prints one; tests/python/jwe.py
// does the same in Python.
//
//   {"do": "key"}                                  -> {"private": PKCS#8 PEM, "public": header}
//   {"do": "encrypt", "key", "alg", "kid"?, "text"} -> {"token"}
//   {"do": "decrypt", "private", "token"}          -> {"header", "text"}
//
// ANTACA_TEST_NODE is the folder into which the packages were installed.
import { createPublicKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Node 18 has it under this name alone.
globalThis.crypto ??= webcrypto;
const installed = createRequire(join(process.env.ANTACA_TEST_NODE, "package.json"));
const jose = await import(pathToFileURL(installed.resolve("jose")));

const commands = {
  // The shortest spelling of a Public-Key: DER, base64url without padding.
  async key() {
    const pair = await jose.generateKeyPair("RSA-OAEP-256", { extractable: true });
    const pem = await jose.exportSPKI(pair.publicKey);
    const der = createPublicKey(pem).export({ type: "spki", format: "der" });
    return { private: await jose.exportPKCS8(pair.privateKey), public: der.toString("base64url") };
  },

  async encrypt({ key, alg, kid, text }) {
    const pem = Buffer.from(key, "base64").toString();
    return {
      token: await new jose.CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg, enc: "A256GCM", ...(kid && { kid }) })
        .encrypt(await jose.importSPKI(pem, alg)),
    };
  },

  async decrypt({ private: pem, token }) {
    const key = await jose.importPKCS8(pem, "RSA-OAEP-256");
    const opened = await jose.compactDecrypt(token, key);
    return { header: opened.protectedHeader, text: new TextDecoder().decode(opened.plaintext) };
  },
};

const asked = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await commands[asked.do](asked)));
