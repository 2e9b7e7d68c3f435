#!/usr/bin/perl

# Updates with a token: it names the account and may name the device; one that
# is wrong or revoked gives a 401, and nothing is added.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);

$t->nginx()->{locations} .= 'pimap_token_key '
    . $token->jwks('keys.json', 'secret') . ';'
    . 'location = /token { pimap_login token; '
    . 'pimap_token_device_claim device; pimap_update; }';
$t->plan(20);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $now = int(time());
my $n = 0;

is(update({ sub => 'alice', iat => $now }), 202, 'a token');
is_deeply(last_of(), ['alice', ''], '    names the account');
is(update({ sub => 'alice', iat => $now }, 'device=phone'), 202,
    '    with a device');
is_deeply(last_of(), ['alice', 'phone'], '        of the request');
is(update({ sub => 'alice', iat => $now }, 'account=bob'), 202,
    '    and no other account');
is_deeply(last_of(), ['alice', ''], '        that the request names');
is(update({ sub => 'alice', iat => $now }, '', 'wait=1'), 202, '    waits');

is(update({ sub => 'alice', iat => $now, device => 'desk' }), 202,
    'a device of the token');
is_deeply(last_of(), ['alice', 'desk'], '    is its device');
is(update({ sub => 'alice', iat => $now, device => '~1' }), 400,
    '    but not with the address of another one');

my $length = $redis->command('XLEN', 'pimap:updates');

is(update({ sub => 'alice', exp => $now - 3600 }), 401, 'one that is over');
is($t->post('/token', '{"id":"x","update":"b"}')->{status}, 401, 'none');

$redis->fcall(revoke => 'alice');
is(update({ sub => 'alice', iat => $now - 10 }), 401, 'one that is revoked');
is(update({ sub => 'alice', iat => $now - 10 }, '', 'wait=1'), 401,
    '    also if it would wait');
is(update({ sub => 'alice' }), 401, '    or has no time');
is($redis->command('XLEN', 'pimap:updates'), $length, 'nothing is added');
is(update({ sub => 'alice', iat => int(time()) + 2 }), 202, 'a newer one');
is(update({ sub => 'bob', iat => $now - 10 }), 202, 'of somebody else');

$redis->stop();
is(update({ sub => 'bob', iat => $now }), 503, 'without Redis');
is($t->status()->{accounts}, 0, 'no account is kept');


sub update {
    my ($claims, $query, $prefer) = @_;

    $claims->{exp} //= $now + 3600;

    my $answer = $t->post('/token?' . ($query // ''),
        '{"id":"' . ++$n . '","update":"b"}', headers => {
            Authorization => 'Bearer ' . $token->make(secret => $claims),
            $prefer ? (Prefer => $prefer) : () });

    return $answer->{status};
}


sub last_of {
    my ($entry) = @{ $redis->command(qw(XREVRANGE pimap:updates + -
        COUNT 1)) };
    my %field = @{ $entry->[1] };

    return [@field{qw(account device)}];
}
