"""Addresses that the node must not reach, in every form that somebody may write them."""

from __future__ import annotations

PRIVATE = (
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.1.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:10.0.0.1",  # IPv4-mapped
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",  # a NAT64 of one's own
    "64:ff9b:1:a00:0:100:808:808",  # the same, with 10.0.0.1 where RFC 6052 puts it for a /48
    "64:ff9b:1::808:808",
    "100::1",
    "2001:0:7f00:1::1",  # Teredo, its server
    "2001:0:808:808:0:0:80ff:fffe",  # Teredo, its client 127.0.0.1
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "2606:4700::5efe:7f00:1",  # ISATAP
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)
"""As a name may resolve to them."""

PUBLIC = (
    "8.8.8.8",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
)

URLS = (
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1:8443/",
    "https://127.0.0.1./",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1%25lo]/",
    "https://[fd00:ec2::254]/",
    "https://\uff11\uff12\uff17.0.0.1/",  # full-width digits
    "https://127\u30020\u30020\u30021/",  # ideographic full stops
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",  # circled letters
    "https://user@127.0.0.1/",
    "https://93.184.216.34@127.0.0.1/",
    "https://127.0.0.1:443@93.184.216.34/",
    "https://93.184.216.34:22/",
    "https://93.184.216.34:25/",
    "https://93.184.216.34:80/",
    "https://93.184.216.34:0/",
    "http://93.184.216.34/",
    "HTTP://93.184.216.34/",
    "ftp://93.184.216.34/",
    "gopher://93.184.216.34/",
    "file:///etc/passwd",
    "unix:///run/socket",
    "javascript:alert(1)",
    "//93.184.216.34/",
    "/hook",
    "https:///hook",
    "https://",
    "https://[",
    "https://127.0.0.1\\@93.184.216.34/",
    " https://127.0.0.1/",
    "https://127.0.0.1%00.example/",
    "",
)
"""As somebody may write them, where no public address is meant or none is allowed."""
