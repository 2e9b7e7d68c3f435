#!/usr/bin/perl

# The client in Python with httpx goes through the proxy of its environment,
# which never sees the token.  Without httpx, or with an address in "no_proxy",
# it connects to the server itself.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Adapter;
use Pimap::HttpProxy;
use Pimap::Token;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my $keys = $token->jwks('keys.json', 'secret');
my $server = '127.0.0.1:' . $t->port('h1');
my $proxy = Pimap::HttpProxy->new(t => $t, name => 'proxy', mode => 'open');
my %proxied = (https_proxy => 'http://127.0.0.1:' . $proxy->port(),
    no_proxy => '');

$t->nginx()->{server} = "listen $server ssl; pimap_token_key $keys;"
    . ' pimap_login token; pimap_retry 500ms;';
$t->nginx()->{locations} = 'location = /events { pimap_events; }'
    . ' location = /updates { pimap_update; }'
    . ' location = /status { pimap_status; }';

$t->plan(12);
$t->run();
$t->wait_ready();
$proxy->start();

# httpx, and a proxy

my $adapter = adapter(\1, %proxied);
my $uid = 0;

gets($adapter, 'httpx: an event comes through the proxy');
is($proxy->noted("CONNECT \Q$server\E HTTP.*"), 1, '    by CONNECT');

$adapter->do(update => id => 'u1', update => { update => 'store' });
$t->wait_for(sub { $proxy->noted('CONNECT.*') > 1 }, 'an update');
is($proxy->noted('CONNECT.*'), 2, '    an update, too');

$proxy->stop();
ok($adapter->see('closed'), 'the proxy is away: it sees that');
my $id = $t->redis()->log('alice', { event => 'QuotaExceed' });
$proxy->start();
is($adapter->see('event')->{id}, $id,
    '    it comes back, and has the event of that time');
ok($adapter->close(), '    it ends well');

# a proxy that refuses

$proxy->mode('refuse');
$adapter = adapter(\1, %proxied);
like($adapter->see('closed')->{why}, qr/^ProxyError: 407/,
    'a proxy that refuses: the client says so');
$proxy->mode('open');
gets($adapter, '    and tries again');
$adapter->close();
is($proxy->noted('clear'), 0, 'no token was readable');

# without the proxy

my $before = $proxy->noted('CONNECT.*');

$adapter = adapter(\1, %proxied, no_proxy => '127.0.0.1');
gets($adapter, 'no_proxy: an event comes');
$adapter->close();
$adapter = adapter(\0, %proxied);
gets($adapter, 'without httpx: an event comes');
$adapter->close();
is($proxy->noted('CONNECT.*'), $before, '    the proxy was not asked');


sub adapter {
    my ($httpx, %env) = @_;

    return Pimap::Adapter->start(t => $t, env => \%env,
        command => ['/usr/bin/python3', 'clients/adapter.py'], options => {
            url => "https://$server/events", httpx => $httpx,
            updates => "https://$server/updates", device => 'phone',
            ticket => 'http://-/', ca => ($t->certificate())[0],
            token => $token->make(secret => { sub => 'alice',
                exp => int(time()) + 600 }) });
}


sub gets {
    my ($client, $name) = @_;

    $client->see('open');
    $t->subscribed('alice');
    $t->redis()->log('alice', { event => 'MessageNew', uid => ++$uid });
    is($client->see('event')->{data}{uid}, $uid, $name);
}
