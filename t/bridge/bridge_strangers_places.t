#!/usr/bin/perl

# Logins of strangers take no place of others: not in the bridge, not at the
# mail server, not in the queue of sessions.  A device hears when it may try
# again, by nginx as docs/bridge.md says.  fail2ban finds the strangers.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeLogin;
use Pimap::Page;

my $t = Pimap->new();
$t->plan(22);

my $imap = Pimap::FakeLogin->new(t => $t, name => 'imap')->start();
my $bridge = Pimap::Bridge->new(t => $t);
my $filter = $t->root() . '/integrations/fail2ban/pimap-bridge.conf';

$t->nginx()->{locations} = example();
$t->run();

# Places in the bridge: a half is for users at known addresses

bridge('max_waiting = 4; delay = "60s";');
is(login('alice', 'secret', '192.0.2.1'), 'alice', 'a user logs in');

my @delayed = map { my $n = $_;
    my $socket = request("user$n", 'guess', "203.0.113.$n");
    $t->wait_for(sub { $imap->noted(qr/bad .*/) == $n }, 'a wrong password');
    $socket } 1 .. 4;

is($imap->noted(qr/bad .*/), 4, 'answers to four wrong passwords are delayed');
is(login('bob', 'secret', '192.0.2.2'), 'bob',
    '    they take no place of a valid login');
like(answer($delayed[0]), qr/^HTTP\/1\.1 401 /,
    '    the first one is answered');

$imap->mode('slow');
my @slow = map { request("user$_", 'guess', "203.0.113.$_") } 3, 4;
ok(waiting(2), 'two logins of strangers wait for the server');
is(login('carol', 'secret', '203.0.113.5'), 503,
    '    another one of a stranger: 503');

my $user = request('alice', 'secret', '192.0.2.1');
ok(waiting(3), '    a user at a known address has a place');
$imap->mode('');
like(answer($user), qr/^X-Pimap-Account: alice/m, '    and gets in');

# Connections to the server

bridge('', 'max_connections = 4;');
is(login('alice', 'secret', '192.0.2.1'), 'alice', 'max_connections: a user');
$imap->mode('slow');
@slow = map { request("user$_", 'guess', "203.0.113.$_") } 3, 4;
ok(waiting(2), '    two strangers wait for the server');
is(login('carol', 'secret', '203.0.113.5'), 503, '    another one: 503');
$user = request('alice', 'secret', '192.0.2.1');
ok(waiting(3), '    a user at a known address has a connection');
$imap->mode('');
like(answer($user), qr/^X-Pimap-Account: alice/m, '    and gets in');

# Sessions go on to begin while strangers log in

bridge('', '', 'connect_rate = 2;');
is(login('alice', 'secret', '192.0.2.1'), 'alice', 'connect_rate: a user');
login("user$_", 'guess', "198.51.100.$_") for 1 .. 100;

my $began = time();

my $device = $t->redis()->connect();
$device->command('SUBSCRIBE', 'pimap:{alice}');
ok($t->wait_for(sub { $bridge->metric('logins_total') }, 'a session'),
    '    a hundred strangers: a session begins');
cmp_ok(time() - $began, '<', 20, '    in less time than theirs');

# By nginx, with a stranger's name that looks like a line

bridge('max_failures = 2;');

is(events('x",address=192.0.2.66,account="y')->status(), 401, 'by nginx: 401');
is(events('user2')->status(), 401, '    again');

my $later = events('user3');

is($later->status(), 429, '    after max_failures: 429');
like($later->header('Retry-After'), qr/^[1-9]\d*$/, '    with Retry-After');

# The filter

my $log = $t->dir() . '/bridge.log';
my @found = qx(fail2ban-regex -o '<ip>' $log $filter 2>&1);

chomp(@found);
my %found; $found{$_}++ for @found;
is_deeply([ sort(grep { !/^(?:203\.0\.113|198\.51\.100)\./ } keys(%found)) ],
    ['127.0.0.1'], 'fail2ban finds the address of the client only');
is(scalar(grep { /^198\.51\.100/ } keys(%found)), 100,
    '    and each of the hundred strangers');

close($_) for @delayed, @slow;
$bridge->stop();


# A bridge with these settings, without counts.

sub bridge {
    my ($auth, $server, $sessions) = @_;

    $bridge->stop() if $bridge->{process};

    $bridge->{auth} = 'cache = "0s"; failed = "0s"; '
        . ($auth =~ /delay/ ? '' : 'delay = "0s"; ') . $auth;
    $bridge->{server} = $server // '';
    $bridge->{sessions} = $sessions // '';
    $bridge->start();
}


sub login { return $bridge->auth(@_) }


sub request { return $bridge->send('/auth', $bridge->client(@_)) }
sub answer  { my ($socket) = @_; return join('', <$socket>) }


sub waiting {
    my ($n) = @_;

    return $t->wait_for(sub { ($bridge->metric('auth_waiting') // 0) == $n },
        "$n logins");
}


sub events {
    my ($user) = @_;

    return $t->request('GET', '/pimap/events', headers =>
        { $bridge->basic($user, 'guess') });
}


# The example of the documents, with the port of this bridge.

sub example {
    my ($page) = grep { $_->name() eq 'docs/bridge.md' }
        Pimap::Page->all($t->root());
    my ($block) = $page->blocks('nginx', 'Quick start');

    return $block->{text} =~ s/127\.0\.0\.1:8025/'127.0.0.1:'
        . $bridge->port()/er;
}
