#!/usr/bin/perl

# Devices that are handed over at a reload can be revoked as before.  The new
# worker finds a revocation that neither worker was told of.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new(workers => 2);
my $token = Pimap::Token->new($t);
my $key = $token->jwks('keys.json', 'secret');

$t->nginx()->{locations} .= <<"END";
    pimap_token_key $key;

    location = /token { pimap_login token; pimap_events; }
END

$t->plan(6);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $now = int(time());
my $grace = park('grace', $now - 60);
my $frank = park('frank', $now - 60);
my $heidi = park('heidi', $now);

revoked($_) for qw(frank heidi);
ok($t->reload(), 'a reload');
is(($frank->event() // {})->{event}, 'expired',
    'revoked during a reload: the new worker finds it');

# (a login by password of that second was most likely made after it)

is(($heidi->event() // {})->{event}, 'expired',
    '    also if the token was issued in that second');
ok($t->wait_for(sub { $t->status()->{handover}{received} >= 1 }),
    '    a device is handed over');
$redis->publish('grace', { event => 'X' });
is($grace->event()->{event}, 'X', '    it stays if it is not revoked');
$redis->fcall(revoke => 'grace');
is($grace->event()->{event}, 'expired', '    until it is revoked');


sub park {
    my ($account, $iat) = @_;

    my $s = $t->request(GET => '/token', headers =>
        $token->issued($account, $iat));

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);
    $redis->publish($account, { event => 'Live' });
    $s->event();

    return $s;
}


sub revoked { $redis->revoked($_[0], $now) }
