#!/usr/bin/perl

# While a worker hears no revocation, because only its subscriber is away, its
# devices with a token are unproven: they get no update through, whether they
# were parked before or come meanwhile.  When the subscriber is back, revoked
# devices end, and the others send again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;
use Pimap::WebSocket;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my $key = $token->jwks('keys.json', 'secret');

$t->nginx()->{locations} .= <<"END";
    pimap_token_key $key;

    location = /token { pimap_login token; pimap_events; }
END

$t->plan(13);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $client = $redis->connect();
my ($carl, $dave) = map { park($_) } qw(carl dave);

$t->subscribed($_) for qw(carl dave);
is(sends($carl), 'accepted', 'a device that is parked sends an update');

$client->command(qw(ACL SETUSER default -subscribe));
$client->command(qw(CLIENT KILL TYPE pubsub));
ok($t->wait_for(sub { $t->worker_status()->{redis}{subscribed} == 0 }),
    'the subscriber is away');
unproven(2, '    both accounts are unproven');

my $erin = park('erin');

unproven(3, '    and that of a device that comes now');
$redis->fcall('revoke', 'carl');
is(sends($_), 'refused Redis has not said whether the login is revoked',
    '    an update is refused') for $carl, $dave, $erin;
is($redis->command(qw(XLEN pimap:updates)), 1, '    nothing is added');

$client->command(qw(ACL SETUSER default +subscribe));
is(($carl->json() // {})->{event}, 'expired',
    'the subscriber is back: the revoked device ends');
unproven(0, '    no account is unproven');
is(sends($_), 'accepted', '    another device sends again')
    for $dave, $erin;
is($redis->command(qw(XLEN pimap:updates)), 3, '    its update is added');


sub park {
    my ($account) = @_;

    my $d = $token->device($account);

    $d->json();

    return $d;
}


sub sends {
    my ($d) = @_;

    $d->send(frame(TEXT, '{"id":"' . ++(our $id) . '","update":"x"}'));

    my $answer = $d->json() // {};

    return join(' ', grep { defined } @$answer{qw(event detail)});
}


sub unproven {
    my ($n, $title) = @_;
    ok($t->unproven($n), $title);
}
