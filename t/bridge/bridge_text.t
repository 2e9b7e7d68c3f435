#!/usr/bin/perl

# A mailbox whose name is longer than a line of the log can't be opened. The
# log, the page of accounts and a device's update say why. They are JSON and
# UTF-8.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(7);

my $fake = Pimap::FakeImap->new(t => $t)->start();
my $name = 'x' . "\xfc" x 300;
my $status = '(MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5 UNSEEN 0)';

$fake->script(
    ['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"],
    ['login', 'secret'],
    ['say', "TAG OK [CAPABILITY IMAP4rev1 IDLE LIST-EXTENDED LIST-STATUS] x"
        . "\r\n"],
    ['read', 'LIST'],
    ['say', "* LIST () \"/\" INBOX\r\n* STATUS INBOX $status\r\n"
        . utf8("* LIST () \"/\" \"$name\"\r\n* STATUS \"$name\" $status\r\n")
        . "TAG OK\r\n"],
    ['read', 'EXAMINE "?INBOX'],
    ['say', "* 0 EXISTS\r\n* OK [UIDVALIDITY 5]\r\nTAG OK\r\n"],
    ['read', 'EXAMINE \{601\}'], ['say', "+ go\r\n"], ['read', '^x'],
    ['say', "TAG NO it is broken\r\n"],
    ['wait']);
$t->run();

my $bridge = Pimap::Bridge->new(t => $t, imap => $fake->port(),
    updates => 'timeout = "1s";',
    server => 'master_user = "boss"; master_password = "secret"; '
        . 'master_separator = "*";')->start()->wait_healthy();
my $s = $t->park('alice', query => 'device=phone');

$s->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $bridge->log() =~ /refuses SELECT/ }), 'the log');
ok(utf8::decode(my $log = $bridge->log()), '    is UTF-8');
like($log, qr/mailbox "$name": the server refuses SELECT: NO it is broken/,
    '    and has name and reason');

my $page = $bridge->get('/accounts?account=alice')->{body};
my $account = eval { JSON::PP->new->utf8->decode($page) } // {};

is($account->{more}, 0, 'the page of accounts has the account');
like($account->{accounts}[0]{reason} // '', qr/"$name".*NO it is broken/,
    '    with the reason');

$t->redis()->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
    'pimap:updates', 100, 'phone', 'u1', $t->json({ id => 'u1',
        update => 'search', mailbox => 'INBOX', query => {} }));

my $event = $s->event() // {};

$event = $s->event() // {} while $event->{event}
    && $event->{event} ne 'UpdateResult';
is($event->{json}{status}, 'refused', 'an update is refused');
like($event->{json}{detail} // '', qr/no session .* NO it is broken/,
    '    with the reason');
$s->close();
$bridge->stop();


sub utf8 {
    my ($text) = @_;

    utf8::encode($text);
    return $text;
}
