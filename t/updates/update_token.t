#!/usr/bin/perl

# Updates with a token: the token names the account, and may name the device.
# A bad or revoked token gets a 401, and nothing is added.

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
$t->plan(21);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $now = int(time());
my $n = 0;

is(update({ sub => 'alice', iat => $now }), 202, 'a request with a token');
is_deeply(last_of(), ['alice', ''], '    the token names the account');
is(update({ sub => 'alice', iat => $now }, 'device=phone'), 202,
    '    a request names a device');
is_deeply(last_of(), ['alice', 'phone'], '        it is in the entry');
is(update({ sub => 'alice', iat => $now }, 'account=bob'), 202,
    '    a request names another account');
is_deeply(last_of(), ['alice', ''], '        it is ignored');
is(update({ sub => 'alice', iat => $now }, '', 'wait=1'), 202,
    '    a request that waits');

is(update({ sub => 'alice', iat => $now, device => 'desk' }), 202,
    'a token that names a device');
is_deeply(last_of(), ['alice', 'desk'], '    the entry has it');
is(update({ sub => 'alice', iat => $now, device => '~1' }), 400,
    '    the address of another device is refused');

my $length = $redis->command('XLEN', 'pimap:updates');

is(update({ sub => 'alice', exp => $now - 3600 }), 401, 'an expired token');
is($t->post('/token', '{"id":"x","update":"b"}')->{status}, 401, 'no token');

$redis->fcall(revoke => 'alice');
is(update({ sub => 'alice', iat => $now - 10 }), 401, 'a revoked token');
is(update({ sub => 'alice', iat => $now - 10 }, '', 'wait=1'), 401,
    '    also if the request would wait');
is(update({ sub => 'alice', iat => undef }), 401,
    '    or the token has no time of issue');
is(update({ sub => 'alice', iat => 0 + $redis->command('HGET',
    'pimap:{alice}:revoked', '') }), 401, '    or it is of the same second');
is($redis->command('XLEN', 'pimap:updates'), $length, 'nothing is added');
is(update({ sub => 'alice', iat => int(time()) + 2 }), 202, 'a newer token');
is(update({ sub => 'bob', iat => $now - 10 }), 202,
    'a token of another account');

$redis->stop();
is(update({ sub => 'bob', iat => $now }), 503, 'Redis is away');
is($t->status()->{accounts}, 0, 'no account is left in memory');


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
