#!/usr/bin/perl

# If the IMAP server has PREVIEW (RFC 8970), an event has the server's preview
# of a new message. Otherwise, and if the server has none for this message, the
# bridge fetches the beginning of the text.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $html = "Subject: page\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    . "<html><body><p>Lunch &amp; tea</p>"
    . "</body></html>\r\n";

my $t = Pimap->new();
$t->plan(14);

test_fake();
test_dovecot('PREVIEW', undef);
test_dovecot('no PREVIEW', 'IMAP4rev1 SASL-IR IDLE CONDSTORE UIDPLUS');


sub test_fake {
    my $fake = Pimap::FakeImap->new(t => $t)->start();

    my @has = ('PREVIEW "Lunch at noon?"', 'PREVIEW ""', 'PREVIEW NIL',
        "PREVIEW {9}\r\nb\xc3\xa4d\xff\r\nxy", 'BODY[HEADER.FIELDS '
            . '(CONTENT-TYPE CONTENT-TRANSFER-ENCODING CONTENT-DISPOSITION)] '
            . '"" BODY[TEXT]<0> "cut here"');
    my @expected = ('Lunch at noon?', undef, 'cut here', "b\xe4d\x{fffd} xy",
        'cut here');

    for my $i (0 .. $#has) {
        my $caps = $i == 4 ? 'IDLE PREVIEW=FUZZY' : 'IDLE PREVIEW';
        my $asks = $i == 4 ? 'BODY.PEEK.TEXT' : 'ENVELOPE PREVIEW\)';

        my $fetch = sub {
            ['say', "* 3 FETCH (UID 3 FLAGS () INTERNALDATE "
                . '"24-Nov-2036 12:00:00 +0000" RFC822.SIZE 9 ENVELOPE (NIL '
                . '"x" NIL NIL NIL NIL NIL NIL NIL NIL) ' . "$_[0])\r\n"
                . "TAG OK x\r\n"]
        };

        $fake->script(Pimap::FakeImap->until_list($caps), ['read', 'IDLE'],
            ['say', "+ idling\r\n* 3 EXISTS\r\n"], ['read', 'DONE'],
            ['say', "TAG OK idled\r\n"], ['read', $asks], $fetch->($has[$i]),
            ['read', $i == 2 ? 'BODY.PEEK.TEXT' : ''], $fetch->($has[4]),
            ['wait']);

        my $s = Pimap::ImapSession->new(t => $t, port => $fake->port())
            ->start();
        my $new = $s->event();

        is($new->{subject}, 'x', "$caps: the command is $asks");
        is($new->{preview}, $expected[$i], '    the event has the preview');
        $s->stop();
    }

    $fake->stop();
}


sub test_dovecot {
    my ($name, $capability) = @_;

    my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
        $capability ? (capability => $capability) : ())->start();
    my $s = Pimap::ImapSession->new(t => $t, port => $t->port('imap'),
        again => 1)->start();

    $s->wait_ready();
    $dovecot->deliver(to => 'alice', subject => 'short', body => 'Hello');
    is($s->event('MessageNew')->{preview}, 'Hello',
        "$name: the preview of a short text");
    $dovecot->imap()->append('INBOX', $html);
    is($s->event()->{preview}, 'Lunch & tea',
        '    the preview of an HTML page');

    $s->stop();
    $dovecot->stop();
    system('rm', '-rf', $dovecot->{dir});
}
