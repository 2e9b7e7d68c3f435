#!/usr/bin/perl

# A user's password is changed at the mail server.  The bridge tries the old
# one once more, as a refusal may pass.  Then its devices are told to log in
# again.  The old one is in the cache, but logs in no more.  A session with the
# old one does not keep it good for longer than the cache.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(18);
$t->run();

my $fake = Pimap::FakeImap->new(t => $t)->start();
my $bridge = Pimap::Bridge->new(t => $t, sessions => 'backoff_max = "200ms";',
    auth => 'cache = "60s"; failed = "1s"; delay = "0s";',
    imap => $fake->port())->start()->wait_healthy();

server('old');
is($bridge->auth('alice', 'old'), 'alice', 'a user logs in');

my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);
ok($bridge->watches(1), 'a session is open');

# The server has another password, and ends the session.

my $before = logins();

server('new');
$t->write_file($t->dir() . '/end', '');
ok($t->wait_for(sub { ($bridge->metric('accounts_refused') // 0) == 1 },
    'a refusal'), 'the password is changed: the session is refused');
is(logins() - $before, 2, '    the old one is tried once more');
is(join(' ', map { $_->{event} } $s->event()), 'expired',
    '    the device is told to log in again');
like(page(), qr/"state":"refused".*AUTHENTICATIONFAILED\] no"/,
    '    the page of accounts has the words of the server');
like($bridge->log(), qr/\[error\] .*"alice": .*AUTHENTICATIONFAILED\] no\n/,
    '    and the log, as an error');
is($bridge->auth('alice', 'old'), 401, '    it does not log in any more');

$before = logins();
ok(!Pimap::Process::wait_for(sub { logins() > $before }, 2),
    '    and is not tried again');

is($bridge->auth('alice', 'new'), 'alice', 'the new one logs in');
ok($bridge->watches(1), '    and opens a session');

# The password is changed, and the session with the former one goes on

$s->close();
$s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$bridge->{auth} = 'cache = "1s"; failed = "1s"; delay = "0s";';
ok($bridge->reload(), 'a good login is good for a second');
$before = logins();
server('newer');
ok($t->wait_for(sub { $bridge->auth('alice', 'new') eq '401' }, 'a 401'),
    '    the former password is bad after that, although a session has it');
is(join(' ', map { $_->{event} } $s->event()), 'expired',
    '    the session ends, and the device is told to log in again');
ok(logins() - $before <= 4, '    no password is tried again and again')
    or diag(logins() - $before);

is($bridge->auth('alice', 'newer'), 'alice', 'the new one logs in');

unlike($bridge->log(), qr/"(?:old|newe?r?)"|\bpassword .*(?:old|new)\b/,
    'no password is in the log');
$s->close();
$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');


# Lets this password in.  The first of the two ends each session when there is
# a file.

sub server {
    my ($password) = @_;

    $fake->script(['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"],
        ['login', $password],
        ['say', "TAG OK [CAPABILITY IMAP4rev1 IDLE LIST-EXTENDED LIST-STATUS] "
            . "in\r\n"],
        ['serve', { INBOX => [5, 1] }, 'IDLE|LOGOUT'],
        $password eq 'old' ? (['hold', $t->dir() . '/end'],
            ['say', "* BYE password changed\r\n"], ['close'])
        : ['serve', { INBOX => [5, 1] }, 'LOGOUT']);
}


sub page { return $bridge->get('/accounts')->{body} }


sub logins { return $fake->noted(qr/LOGIN .*/) }
