/** An attestation profile: which builds of a caller a policy means by one name. */
import { type Bytes } from "./bytes.js";
import { readCanonical, type Canonical, type CanonicalMap } from "./canonical.js";
import { DOMAIN, domainHash } from "./hash.js";
import { must } from "./refused.js";
import { list, object, text } from "./shape.js";

const TEXTS = ["config_merkle_root", "isv_prod_id", "min_isv_svn", "mrenclave", "mrsigner", "mrtd", "name"];
const TCB_TEXTS = ["grace", "min_evaluation_data_number"];
const LIMITS = { bytes: 64 * 1024, depth: 8, nodes: 4 * 1024 };

export interface Profile {
  bytes: Bytes;
  members: CanonicalMap;
  name: string;
  digest: Bytes;
}

export async function readProfile(bytes: Bytes): Promise<Profile> {
  const members = checkProfile(readCanonical(bytes, LIMITS));
  const digest = await domainHash(DOMAIN.profile, bytes);
  return { bytes, members, name: text(members.get("name"), "name"), digest };
}

/** The profile's members, all of them known and of their types. */
export function checkProfile(value: Canonical): CanonicalMap {
  const members = object(value, [...TEXTS, "platforms", "required_oids", "rtmrs", "tcb"], "profile");
  for (const name of TEXTS) text(members.get(name), name);
  texts(members.get("platforms"), "platforms");
  checkRtmrs(members.get("rtmrs"));
  for (const pair of list(members.get("required_oids"), "required_oids")) {
    const inner = object(pair, ["oid", "value"], "required_oids");
    for (const name of ["oid", "value"]) text(inner.get(name), name);
  }
  const tcb = object(members.get("tcb"), ["advisories", "statuses", ...TCB_TEXTS], "tcb");
  for (const name of TCB_TEXTS) text(tcb.get(name), name);
  for (const name of ["advisories", "statuses"]) texts(tcb.get(name), name);
  return members;
}

/** The runtime measurements of a trust domain: each register once. */
function checkRtmrs(value: Canonical | undefined): void {
  const indices = list(value, "rtmrs").map((item) => {
    const inner = object(item, ["index", "value"], "rtmrs");
    text(inner.get("value"), "value");
    return text(inner.get("index"), "index");
  });
  must(new Set(indices).size === indices.length, "unknown_value", "rtmrs name a register twice");
}

function texts(value: Canonical | undefined, where: string): void {
  for (const item of list(value, where)) text(item, where);
}
