#!/usr/bin/perl

# Odd mails reach a device with the text that a person would read: by the
# bridge, and by pimap.lua.  Both give the same, except where Dovecot's own
# fields, which are all that pimap.lua has, are different.
#
# mails/*.eml are the mails.  A line of mails/expected.ndjson has the members
# of the event of one: "lua" those that differ by pimap.lua, "why" the reason.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::ImapSession;

# Mails of one delivery; the bridge tells more than 50 at once without content.
my $some = 40;

my $t = Pimap->new();
my %expected = map { my $mail = JSON::PP->new->utf8->decode($_);
    (delete($mail->{mail}) => $mail) }
    split(/\n/, $t->read_file('backends/mails/expected.ndjson'));
my @names = sort(map { m{([^/]+)\.eml$} } glob("backends/mails/*.eml"));

$t->plan(2 * @names + 2);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t,
    url => 'http://127.0.0.1:' . $t->port('http') . '/publish',
    capability => 'IMAP4rev1 SASL-IR IDLE CONDSTORE UIDPLUS')->start();

# Autocreation announces the INBOX once.
$dovecot->imap()->command('SELECT INBOX');

my $device = $t->park('alice');
$device->read_until(qr/^event: parked\n.*\n\n/m);
$t->subscribed('alice');

my $session = Pimap::ImapSession->new(t => $t, port => $t->port('imap'))
    ->start();
$session->wait_ready();

is_deeply([sort(keys(%expected))], \@names, 'each mail is expected');

deliver(splice(@names, 0, $some)) while @names;

unlike($dovecot->log(), qr/pimap: |Error|Panic/, 'no failure in the log');


sub deliver {
    my @some = @_;
    my %by_uid;

    foreach my $name (@some) {
        $dovecot->deliver(to => 'alice',
            text => $t->read_file("backends/mails/$name.eml"));

        my $event = $device->event()->{json};
        my $expected = $expected{$name};

        is_deeply(members($event), wanted(%$expected,
            %{ $expected->{lua} // {} }), "$name: pimap.lua");
        $by_uid{ $event->{uid} } = $name;
    }

    foreach (@some) {
        my $event = $session->event('MessageNew');
        my $name = $by_uid{ $event->{uid} // 0 } // 'no mail';

        is_deeply(members($event), wanted(%{ $expected{$name} }),
            "$name: bridge");
    }
}


sub members {
    my ($event) = @_;

    return wanted(map { $_ => $event->{$_} } qw(from subject date preview));
}


sub wanted {
    my (%members) = @_;

    delete @members{qw(lua why)};

    return { map { defined $members{$_} ? ($_ => $members{$_}) : () }
        keys(%members) };
}
