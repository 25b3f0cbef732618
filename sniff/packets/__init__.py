"""RawBatch in, PacketBatch out: link, network and transport headers as columns that point into the packet's bytes.

Talks to capture/ only. One packet at a time, but for IP fragments, which are put together here.

stage.py      Dissector: the stage itself
dissect.py    the walk through the layers of each packet, compiled like the four it calls:
              headers.py (Ethernet, IP, TCP, UDP), links.py (other link layers), captures.py (what capturing programs
              put before a frame, IEEE 802.11), tunnels.py
cursor.py     the record that a walk fills, and what a layer may answer
columns.py    what the columns mean; batch.py holds them
fragments.py  IP fragments
addresses.py  addresses as text
"""
