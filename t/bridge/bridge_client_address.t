#!/usr/bin/perl

# Dovecot delays the logins of an address after wrong passwords.  It gets the
# address of the client from the bridge, so that a stranger delays no user.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(6);

my $bridge = Pimap::Bridge->new(t => $t, auth => 'delay = "0s"; cache = "0s"; '
    . 'failed = "0s"; timeout = "60s";');
my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    main => 'login_trusted_networks = 127.0.0.1')->start();

$t->redis()->start();
$bridge->start();

# The delay is up to 15 seconds, longer than the bridge waits by default.

for my $n (1, 2) {
    is_deeply(unique(answers(map { ["nobody$_", 'guess', "192.0.2.$n"] }
        1 .. 12)), [401], 'twelve wrong passwords from one address: 401');
}

is(login('bob', 'secret', '192.0.2.3'), 'bob',
    'a valid login from another address is not delayed');
like($dovecot->log(), qr/user=<nobody1>,.* rip=192\.0\.2\.1,/,
    'Dovecot has the address of the client');
unlike($dovecot->log(), qr/user=<nobody1>,.* rip=127\.0\.0\.1,/,
    '    for each of the logins');

# A server that is not to know

$bridge->stop();
$bridge->{server} = 'client_address = false; ';
$bridge->start();
login('carol', 'secret', '192.0.2.4');
ok($t->wait_for(sub {
    $dovecot->log() =~ /user=<carol>,.* rip=127\.0\.0\.1,/
}, 'the log'), 'client_address is off: Dovecot has the address of the bridge');

$bridge->stop();
$dovecot->stop();


sub login { return $bridge->auth(@_) }


# The status of each of these logins, which are sent at once

sub answers {
    my @sockets = map { $bridge->send('/auth', $bridge->client(@$_)) } @_;

    return map { my $socket = $_; join('', <$socket>) =~ m{^HTTP/1\.1 (\d+)}
        && $1 } @sockets;
}


sub unique { my %seen; return [ grep { !$seen{$_}++ } @_ ] }
