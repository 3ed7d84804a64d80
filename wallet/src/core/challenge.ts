/** The 16-leaf Merkle tree (RFC 6962 nodes) over statements and padding, and the challenge. */
import { concat, type Bytes } from "./bytes.js";
import { DOMAIN, domainHash, sha256 } from "./hash.js";
import { must } from "./refused.js";

export const LEAVES = 16;

export function statementLeaf(salt: Uint8Array, statement: Uint8Array): Promise<Bytes> {
  return sha256(concat(Uint8Array.of(0), salt, statement));
}

/**
 * A padding leaf is a hash with a prefix of its own. Were it taken as it comes, whoever makes the
 * bundle could put the leaf of a statement there that nobody is shown.
 */
export function paddingLeaf(filler: Uint8Array): Promise<Bytes> {
  return sha256(concat(Uint8Array.of(2), filler));
}

export async function merkleRoot(leaves: Bytes[]): Promise<Bytes> {
  must(leaves.length === LEAVES, "wrong_leaves", "an approval has 16 leaves");
  let level = leaves;
  while (level.length > 1) {
    const above: Bytes[] = [];
    for (let at = 0; at + 1 < level.length; at += 2) {
      const [left, right] = level.slice(at, at + 2);
      if (left && right) above.push(await sha256(concat(Uint8Array.of(1), left, right)));
    }
    level = above;
  }
  const [root] = level;
  must(root !== undefined, "wrong_leaves", "an approval has 16 leaves");
  return root;
}

export async function challengeOf(leaves: Bytes[]): Promise<Bytes> {
  return domainHash(DOMAIN.approval, await merkleRoot(leaves));
}
