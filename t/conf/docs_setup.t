#!/usr/bin/perl

# The steps of docs/setup.md, run as they stand there with other ports and
# paths, make a set-up that does what the first screen of README.md says.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use List::Util qw(first);
use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Page;
use Pimap::Process qw(wait_for);

my $t = Pimap->new(mode => '', allow => qr/limiting requests/);
my ($root, $dir) = ($t->root(), $t->dir());
my %page = map { $_->name() => $_ } Pimap::Page->all($root);
my $setup = $page{'docs/setup.md'};
my $status = sub { $t->get('/pimap/status', transport => 'plain')->{json} };

$t->plan(24);

# The first screen

my ($screen) = $t->read_file("$root/README.md") =~ /\A(.*?)^## /ms;

$screen =~ s/\s+/ /g;

like($screen, qr/With the \[usual set-up\]\(docs.setup\.md\), a device takes/,
    'README: what a device costs');
like($screen, qr/a reload of nginx closes no device/, '    and a reload');
like($screen, qr/log in with their mail passwords/, '    and the login');
like($screen, qr/their mail brings events/, '    and the events');

# Clients by name: the first screen agrees with docs/clients.md

my ($not) = $screen =~ /No stock mail program speaks it: not (.*?)\. /;
my @not = split(/, | or /, $not);
my @rows = map { $_->[0] } $page{'docs/clients.md'}
    ->rows('Do not get push from here');

cmp_ok(scalar(@not), '>=', 6, '    and who gets no push');
is_deeply([ grep { my $name = $_; utf8::decode($name);
    !grep { index($_, $name) >= 0 } @rows } @not ], [],
    '    as in docs/clients.md');

# The steps, from packages to the bridge; services are started below

tools();
run_step($_) for qw(Packages nginx Dovecot), 'The bridge';

my $version = Pimap::Dovecot->system_version();

is(conf('dovecot/conf.d/99-pimap.conf'),
    $t->read_file("$root/integrations/dovecot/lua-$version.conf"),
    'Dovecot gets its settings');
is(conf('dovecot/pimap.lua'),
    $t->read_file("$root/integrations/dovecot/pimap.lua"),
    '    and the script');
start();

# INBOX is created now: that is no event for the device.
my $imap = $t->{dovecot}->imap();

$imap->command('SELECT INBOX');
$imap->logout();

# A device

ok($t->wait_for(sub { $t->get('/pimap/status?ready', transport => 'plain')
    ->{status} == 200 }, 'readiness'), 'nginx is ready');

my $device = park('alice:secret');

ok($device->read_until(qr/^event: parked\n.*\n\n/m),
    'the mail password parks');
ok($t->subscribed('alice'), 'the worker has subscribed');

$t->{dovecot}->deliver(to => 'alice', subject => 'Lunch');
is(($device->event() // {})->{json}{subject}, 'Lunch', 'mail is an event');
ok($t->wait_for(sub { $status->()->{devices}{hibernated} == 1 }, 'sleep'),
    'the device is hibernated');

# No HTTP/2

like(qx(openssl s_client -connect 127.0.0.1:@{[ $t->port('tls') ]} -alpn \\
    h2,http/1.1 </dev/null 2>&1), qr/ALPN protocol: http\/1\.1/,
    'a client that knows HTTP/2 gets HTTP/1.1');

# A reload

my ($old) = $t->workers();

$t->nginx()->{process}->signal('HUP');
ok($t->wait_for(sub { my @workers = $t->workers(); @workers == 1
    && $workers[0] != $old }, 'a new worker'), 'a reload');
ok($t->wait_for(sub { my $all = $status->();
    $all->{devices}{hibernated} == 1 && $t->redis()->numsub('alice') == 1 },
    'the device there'), '    the device is in the new worker');
$t->{dovecot}->deliver(to => 'alice', subject => 'Dinner');
is(($device->event() // {})->{json}{subject}, 'Dinner',
    '    and gets the next event');

# Wrong passwords

my $refused = park('alice:wrong');

is($refused->status(), 401, 'a wrong password is a 401');
like($refused->header('WWW-Authenticate'), qr/^Basic /,
    '    with a challenge');

# the bridge remembers this one, and Dovecot does not delay it
my @more;

ok(first(sub {
    push(@more, map { park('alice:wrong') } 1 .. 14);
    wait_for(sub { $t->read_file("$dir/access.log") =~ / 429 / }, 10)
}, 1 .. 5), 'many wrong passwords: a 429');
ok(park('alice:secret', 'tablet')->read_until(qr/^event: parked\n.*\n\n/m),
    '    the right one parks at once');

# The port to publish

is(publish('127.0.0.1'), 200, 'this host publishes');
is(publish('127.0.0.2'), 403, '    and no other address');
is($status->()->{events}{invalid}, 0, 'no event is invalid');


sub conf { $t->read_file("$dir/etc/$_[0]") }


# The commands that would change this system

sub tools {
    my $bin = "$dir/bin";

    system('mkdir', '-p', $bin, map { "$dir/etc/$_" } 'nginx/conf.d',
        'dovecot/conf.d', 'pimap') == 0 or die "mkdir: $!\n";

    $t->write_file("$bin/$_", "#!/bin/sh\n")
        for qw(apt-get ls systemctl redis-cli nginx doveconf
            pimap-bridge);
    chmod(0755, glob("$bin/*"));
}


sub run_step {
    my ($section) = @_;

    my $text = join('', map { $_->{text} } $setup->blocks('sh', $section));

    $text or die "docs/setup.md: $section has no commands\n";
    $text =~ s{/etc/}{$dir/etc/}g;
    $text =~ s{/usr/share/pimap/}{$root/}g;
    $text =~ s{^(cert|key)=.*}{"$1=$dir/$1.pem"}gme;

    # names of files in the text of "sed"
    $text =~ s{\|$dir(/etc/nginx/mail)}{|$1}g;

    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";

    $t->write_file("$dir/step", $text);
    system('sh', '-e', "$dir/step") == 0 or die "setup.md: $section fails\n";
}


# All servers with the files of the steps

sub start {
    my %port = map { $_ => $t->port($_) } qw(tls plain bridge imap);
    my $socket = $t->redis()->start()->socket();

    $t->certificate();
    $t->{dovecot} = Pimap::Dovecot->new(t => $t,
        main => conf('dovecot/conf.d/98-pimap-login.conf'),
        url => "http://127.0.0.1:$port{plain}/pimap/publish")->start();

    my $bridge = Pimap::Bridge->new(t => $t, kept => 1);
    my $text = conf('pimap/bridge.conf');

    $text =~ s/redis = \{ host = "127.0.0.1"/redis = { host = "$socket"/;
    $text =~ s/(host = "127.0.0.1");/$1; port = $port{imap};/;
    $t->write_file($bridge->file(), "log = \"$dir/bridge.log\";\n"
        . "listen = \"127.0.0.1:$port{bridge}\";\n"
        . "auth = { delay = \"0s\"; };\n$text");
    $bridge->start();

    my $http = conf('nginx/conf.d/pimap.conf');

    $http =~ s/redis:\/\/127\.0\.0\.1:6379/unix:$socket/;
    $http =~ s/listen +443 /listen 127.0.0.1:$port{tls} /;
    # on all addresses, to see who is let in
    $http =~ s/listen 127\.0\.0\.1:8026/listen $port{plain}/;
    $http =~ s/127\.0\.0\.1:8025/127.0.0.1:$port{bridge}/;
    $t->nginx()->{http} = $http;
    $t->run();
}


sub park {
    my ($login, $name) = @_;

    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('tls'), SSL_verify_mode => SSL_VERIFY_NONE)
        or die "nginx: $SSL_ERROR\n";

    $socket->syswrite(join("\r\n", 'GET /pimap/events?device='
        . ($name // 'phone') . ' HTTP/1.1', 'Host: mail.example.com',
        'Authorization: Basic ' . encode_base64($login, ''), '', ''));

    return Pimap::Stream->new(socket => $socket);
}


sub publish {
    my ($from) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        LocalAddr => $from, PeerPort => $t->port('plain')) or return $!;
    my $event = '{"event":"Test"}';

    $socket->syswrite(join("\r\n",
        'POST /pimap/publish?account=alice HTTP/1.1', 'Host: localhost',
        'Connection: close',
        'Content-Type: application/json', 'Content-Length: ' . length($event),
        '', $event));

    return join('', <$socket>) =~ m{^HTTP/1\.1 (\d+)} && $1;
}
