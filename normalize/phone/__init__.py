"""The telephone: events of calls as telephone systems post them.

Read are Placetel (Call Control and Notify API), sipgate.io and simquadrat pushes, the generic interface with
`newCall`/`answer`/`hangup` that many systems speak, Exotel (Passthru, status callbacks), and Twilio (status, recording
and transcription callbacks of voice calls).

All events of a call are revisions of one message: `source_id` and `provider_thread` are the call's id, `call` holds
what this event says, and the revision is the event's place in a call (docs/adr/0011): ringing 0, answered 10,
ended 20, taken by a mailbox 25, recording 30, transcript 40. So order and repetition do not matter, and nobody keeps
state. The author is the other party, whoever called whom. Caller ids can be forged: nobody is verified.

Outgoing calls, calls that somebody answered and calls that were blocked have the automation kind `system` with the
reason `call:<what>`: they open nothing and can be made a ticket by hand. The rest is a customer's.

A record's `region` is the country whose national numbers are meant; else Germany for Placetel and sipgate, India for
Exotel. `own_addresses` are our numbers, and tell the direction where the payload does not.
"""
