"""Reads every .eml of a folder with Python's own parser and prints what it found, as JSON."""
import email, email.policy, hashlib, json, pathlib, sys


def canonical(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def mailboxes(header):
    return [[a.display_name, a.addr_spec] for a in header.addresses] if header else []


def defects(part):
    found = [type(d).__name__ for d in part.defects]
    for value in part.values():
        found += [type(d).__name__ + " in " + value.name for d in getattr(value, "defects", [])]
    return found


def read(path):
    raw = path.read_bytes()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    parts, tree = [], []
    for part in mail.walk():
        tree.append(part.get_content_type())
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        text = part.get_content_maintype() == "text" and not part.is_attachment()
        parts.append({
            "type": part.get_content_type(),
            "encoding": part["Content-Transfer-Encoding"],
            "disposition": part.get_content_disposition() or "",
            "name": part.get_filename() or "",
            "cid": part["Content-ID"] or "",
            "sha256": hashlib.sha256(canonical(payload) if text else payload).hexdigest(),
        })
    return {
        "subject": mail["Subject"], "from": mailboxes(mail["From"]), "to": mailboxes(mail["To"]),
        "replyTo": mailboxes(mail["Reply-To"]), "names": list(mail.keys()), "tree": tree, "parts": parts,
        "date": mail["Date"].datetime.isoformat(), "id": mail["Message-ID"],
        "defects": [d for part in mail.walk() for d in defects(part)],
        "longest": max(len(line) for line in raw.split(b"\r\n")), "eightBit": any(c > 127 for c in raw),
        "headers": {k: str(v) for k, v in mail.items()},
    }


folder = pathlib.Path(sys.argv[1])
json.dump({p.name: read(p) for p in sorted(folder.glob("*.eml"))}, sys.stdout)
