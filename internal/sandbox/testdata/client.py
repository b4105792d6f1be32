"""An SMTP client that hongyan's authors did not write: Python's smtplib.

usage: client.py PORT CAFILE USER CODE RECIPIENT...
Prints one JSON line for each recipient, and one for QUIT.
"""
import json, smtplib, ssl, sys
from email.message import EmailMessage

port, cafile, user, code = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
s = smtplib.SMTP_SSL("localhost", port, timeout=20, context=ssl.create_default_context(cafile=cafile))
s.ehlo_or_helo_if_needed()
try:
    print(json.dumps({"login": s.login(user, code)[0]}))
except smtplib.SMTPAuthenticationError as e:
    print(json.dumps({"login": e.smtp_code, "text": e.smtp_error.decode()}))
    sys.exit()
except smtplib.SMTPServerDisconnected:  # smtplib tries LOGIN after a refused PLAIN
    print(json.dumps({"login": "disconnected"}))
    sys.exit()
for to in sys.argv[5:]:
    m = EmailMessage()
    m["From"], m["To"], m["Subject"], m["Message-ID"] = user, to, "你好", "<1." + to + ">"
    m.set_content("第一行\n.\n..两点\n")
    try:
        s.send_message(m)
        print(json.dumps({"to": to, "code": 250}))
    except smtplib.SMTPResponseException as e:
        print(json.dumps({"to": to, "code": e.smtp_code, "text": e.smtp_error.decode()}))
    except smtplib.SMTPRecipientsRefused as e:
        c, t = e.recipients[to]
        print(json.dumps({"to": to, "code": c, "text": t.decode()}))
try:
    print(json.dumps({"quit": s.quit()[0]}))
except smtplib.SMTPException as e:
    print(json.dumps({"quit": type(e).__name__}))
