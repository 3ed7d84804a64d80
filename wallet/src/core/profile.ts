/** An attestation profile: which builds of a caller a policy means by one name. */
import { type Bytes } from "./bytes.js";
import { readCanonical, type Canonical, type CanonicalMap } from "./canonical.js";
import { DOMAIN, domainHash } from "./hash.js";
import { must } from "./refused.js";
import { blob, checkSets, given, hash, identity, list, object, oneOf, text, whole, wide } from "./shape.js";

const MEMBERS = ["config_merkle_root", "isv_prod_id", "min_isv_svn", "mrenclave", "mrsigner", "mrtd", "name", "platforms", "required_oids", "rtmrs", "tcb"];
const STATUSES = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"];
/** Names that are no profile's. */
export const RESERVED = ["any", "owner"];
const MOST_OIDS = 32;
export const LIMITS = { bytes: 64 * 1024, depth: 32, nodes: 8 * 1024 };

export interface Profile {
  bytes: Bytes;
  members: CanonicalMap;
  name: string;
  digest: Bytes;
}

export async function readProfile(bytes: Bytes): Promise<Profile> {
  const members = checkProfile(readCanonical(bytes, LIMITS));
  checkSets(members);
  const digest = await domainHash(DOMAIN.profile, bytes);
  return { bytes, members, name: text(members.get("name"), "name"), digest };
}

/** The profile's members, all of them known, and of values that vaults take. */
export function checkProfile(value: Canonical): CanonicalMap {
  const members = object(value, MEMBERS, "profile");
  must(!RESERVED.includes(identity(members.get("name"), "name")), "wrong_name", "a profile has a name that is reserved");
  given(members.get("config_merkle_root"), (root) => hash(root, "config_merkle_root"));
  checkMeasured(members);
  list(members.get("platforms"), "platforms").forEach((platform) => hash(platform, "platforms"));
  const oids = list(members.get("required_oids"), "required_oids");
  must(oids.length <= MOST_OIDS, "too_many", `a profile requires at most ${MOST_OIDS} claims`);
  oids.forEach(checkOid);
  checkTcb(object(members.get("tcb"), ["advisories", "grace", "min_evaluation_data_number", "statuses"], "tcb"));
  return members;
}

/** An enclave or a trust domain, and not both. */
function checkMeasured(members: CanonicalMap): void {
  const build = given(members.get("mrenclave"), (value) => hash(value, "mrenclave"));
  const domain = given(members.get("mrtd"), (value) => wide(value, "mrtd"));
  const signer = checkSigner(members);
  const registers = checkRtmrs(members.get("rtmrs"));
  const isEnclave = build !== null || signer;
  must(isEnclave || domain !== null, "wrong_measurement", "a profile names no measurement");
  must(!isEnclave || (domain === null && registers === 0), "wrong_measurement", "a profile is of an enclave and of a trust domain");
}

/** All three, or none of them. */
function checkSigner(members: CanonicalMap): boolean {
  const signer = given(members.get("mrsigner"), (value) => hash(value, "mrsigner"));
  const numbers = ["isv_prod_id", "min_isv_svn"].map((name) => given(members.get(name), (value) => whole(value, 16, name)));
  must(numbers.every((number) => (number === null) === (signer === null)), "wrong_measurement", "mrsigner, isv_prod_id and min_isv_svn stand together");
  return signer !== null;
}

/** The runtime measurements of a trust domain, each register once; how many there are. */
function checkRtmrs(value: Canonical | undefined): number {
  const indices = list(value, "rtmrs").map((item) => {
    const inner = object(item, ["index", "value"], "rtmrs");
    wide(inner.get("value"), "value");
    return oneOf(inner.get("index"), ["0", "1", "2", "3"], "index");
  });
  must(new Set(indices).size === indices.length, "unknown_value", "rtmrs name a register twice");
  return indices.length;
}

function checkOid(value: Canonical): void {
  const pair = object(value, ["oid", "value"], "required_oids");
  const oid = text(pair.get("oid"), "oid");
  must(oid.length <= 256 && /^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+$/.test(oid), "unknown_value", "a claim is not named by a dotted OID");
  blob(pair.get("value"), "value");
}

function checkTcb(tcb: CanonicalMap): void {
  const statuses = list(tcb.get("statuses"), "statuses");
  must(statuses.length > 0, "too_few", "a profile lets in no state of a platform");
  statuses.forEach((status) => oneOf(status, STATUSES, "statuses"));
  list(tcb.get("advisories"), "advisories").forEach((advisory) => identity(advisory, "advisories"));
  whole(tcb.get("grace"), 64, "grace");
  whole(tcb.get("min_evaluation_data_number"), 32, "min_evaluation_data_number");
}
