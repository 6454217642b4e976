// Checks a .tlog-proof with @sigstore/verify (merkle tree, signed note) and the log's ML-DSA-44
// signature with @noble/post-quantum, and nothing of ours:
//
//   npm install @sigstore/verify @noble/post-quantum
//   node verify.mjs PROOF ENTRY ED25519_VKEY [ML_DSA_44_VKEY]
import { createHash, createPublicKey } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

const require = createRequire(import.meta.url);
const inside = (name) => require(require.resolve("@sigstore/verify").replace("index.js", name));
const { verifyCheckpoint } = inside("tlog/checkpoint.js");
const { verifyMerkleInclusion } = inside("tlog/merkle.js");

const [proofFile, entryFile, vkey, mlDsa] = process.argv.slice(2);
const [head, ...rest] = readFileSync(proofFile, "utf8").split("\n\n");
const [, index, ...hashes] = head.split("\n");
const note = rest.join("\n\n");

const key = (text) => {
  const [name, id, ...material] = text.split("+");
  return { name, id: Buffer.from(id, "hex"), material: Buffer.from(material.join("+"), "base64") };
};
const ed25519 = key(vkey);
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), ed25519.material.subarray(1)]);
const log = {
  logID: ed25519.id,
  baseURL: ed25519.name,
  publicKey: createPublicKey({ key: spki, format: "der", type: "spki" }),
};
const entry = {
  canonicalizedBody: readFileSync(entryFile),
  inclusionProof: {
    logIndex: index.replace("index ", ""),
    hashes: hashes.map((each) => Buffer.from(each, "base64")),
    checkpoint: { envelope: note },
  },
};
const checkpoint = verifyCheckpoint(entry, [log]);
verifyMerkleInclusion(entry, checkpoint);
console.log(`Ed25519 signature right, entry at ${entry.inclusionProof.logIndex} of ${checkpoint.logSize}`);

if (mlDsa) {
  const { name, id, material } = key(mlDsa);
  const line = note.split("\n").find((each) => {
    const [, who, blob] = each.split(" ");
    return who === name && blob && Buffer.from(blob, "base64").subarray(0, 4).equals(id);
  });
  const blob = Buffer.from(line.split(" ")[2], "base64").subarray(4);
  const opaque = (text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
  const size = Buffer.alloc(16); // start 0, then the end
  size.writeBigUInt64BE(BigInt(checkpoint.logSize), 8);
  const message = Buffer.concat([
    Buffer.from("subtree/v1\n\0"), opaque(name), blob.subarray(0, 8), opaque(checkpoint.origin), size,
    checkpoint.logHash,
  ]);
  if (!ml_dsa44.verify(blob.subarray(8), message, material.subarray(1))) throw new Error("ML-DSA-44");
  console.log("ML-DSA-44 signature right");
}
