#!/usr/bin/perl

# A session ends with a reason, and soon, whatever an IMAP server sends. It
# publishes only events that happened.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $t = Pimap->new();
my $fake = Pimap::FakeImap->new(t => $t);

my @login = Pimap::FakeImap->until_login('');
my @list = Pimap::FakeImap->until_list('IDLE');
my @idle = (@list, ['read', 'IDLE'], ['say', "+ idling\r\n"]);
my $hello = ['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"];
my $last = ['say', "TAG OK done\r\n"];

# Each: name, reason, pattern for the log, script of the server

my @cases = (
    ['garbage', 'protocol', qr/bad response|greeting/,
        ['say', "\x01\x02\x03\r\n"]],
    ['HTTP', 'protocol', qr/./, ['say', "HTTP/1.1 400 Bad Request\r\n\r\n"]],
    ['a line without an end', 'protocol', qr/line too long/,
        ['endless', 'x' x 65536]],
    ['a literal over the limit', 'protocol', qr/literal too large/,
        $hello, ['read'], ['say', "* X {999999999999}\r\n"]],
    ['an endless series of literals', 'protocol', qr/line too long/,
        $hello, ['read'], ['say', '* X'], ['endless', " {1}\r\nx" x 100]],
    ['a literal that is cut off', 'away', qr/closed/,
        $hello, ['read'], ['say', "* X {100}\r\nabc"], ['close']],
    ['BYE as a greeting', 'away', qr/refuses the connection/,
        ['say', "* BYE busy\r\n"]],
    ['too many connections', 'limit', qr/./,
        ['say', "* BYE [LIMIT] too many\r\n"]],
    ['PREAUTH', 'protocol', qr/PREAUTH/, ['say', "* PREAUTH hello\r\n"]],
    ['a wrong tag', 'protocol', qr/no command is in flight/,
        $hello, ['read'], ['say', "p99 OK in\r\n"]],
    ['a second tagged response', 'protocol', qr/no command is in flight/,
        @login, ['say', "p1 OK again\r\n"]],
    ['the login is refused', 'credentials', qr/./,
        $hello, ['read'],
        ['say', "TAG NO [AUTHENTICATIONFAILED] no\r\n"]],
    ['the login is unavailable', 'away', qr/./,
        $hello, ['read'], ['say', "TAG NO [UNAVAILABLE] later\r\n"]],
    ['the login is BAD', 'protocol', qr/./,
        $hello, ['read'], ['say', "TAG BAD what?\r\n"]],
    ['no LIST', 'away', qr/LIST/,
        @login, ['read'], ['say', "TAG NO no\r\n"]],
    ['no INBOX in LIST', 'away', qr/INBOX/,
        @login, ['read'], $last],
    ['no answer', 'away', qr/no answer/, @login, ['read'], ['wait']],
    ['no greeting', 'away', qr/no answer/, ['wait']],
    ['drops', 'away', qr/without an end/,
        $hello, ['read'], ['drip', "* OK x\r\n" x 2000, 0.05]],
    ['no answer while idle', 'away', qr/no answer/, @idle, ['wait']],
    ['connection closed while idle', 'away', qr/closed/, @idle, ['close']],
    ['BYE while idle', 'away', qr/BYE/, @idle,
        ['say', "* BYE shutting down\r\n"]],
    ['an endless list of mailboxes', 'away', qr/without an end|closed/,
        @login, ['read'], ['endless', join('', map {
            "* LIST () \"/\" box$_\r\n" } 1 .. 1000)]],
);

$t->plan(3 * @cases + 4);
$fake->start();

for my $case (@cases) {
    my ($name, $reason, $why, @script) = @$case;

    $fake->script(@script);

    # a busy machine may take longer, except where silence is tested

    my $s = session(options => { quiet => 800, answers => 4,
        answer => $why =~ /no answer/ ? 1000 : 5000 });
    my $failure = $s->failure();

    is($failure && $failure->{reason}, $reason, $name);
    like($failure ? $failure->{why} : '', $why, '    the reason says so');
    is(scalar($s->published()), 0, '    nothing is published');
    $t->stop($s->{process});
}

# Odd responses that do not end the session

$fake->script(@idle, ['say', "* OK still here\r\n* 2 RECENT\r\n"
    . "* 3 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH (UID 77 FLAGS (\\Seen))\r\n"
    . "* VANISHED (EARLIER) 1000:4294967295\r\n* STATUS nobody ()\r\n"
    . "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n"], ['wait']);

my $s = session(options => { answer => 20_000, quiet => 20_000 });
is($s->wait_ready(), 'IDLE', 'odd responses: the session is ready');
is_deeply($s->event()->{uids}, [2], '    the change is published');
is(scalar($s->published()), 1, '    and nothing else');
$s->stop();

$fake->stop();
like($t->read_file($t->dir() . '/fakeimap.out'), qr/^$/,
    'the fake server reports no error');


sub session {
    my (%set) = @_;

    return Pimap::ImapSession->new(t => $t, port => $fake->port(),
        %set)->start();
}
