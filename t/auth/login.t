#!/usr/bin/perl

# The configurations of docs/login.md work as the page says: passwords, another
# server, client certificates, tokens and tickets.  With tokens and tickets, no
# log contains a token.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;
use Pimap::Token;

my @sections = ('Passwords', 'Another server', 'Client certificates',
    'Tokens');

my $t = Pimap->new(log => 'notice');
my $dir = $t->dir();
my $token = Pimap::Token->new($t);
my $page = Pimap::Page->new($t->root(), 'docs/login.md');

my ($cert, $key) = $t->certificate();
my $ca = authority('ca');
my @device = signed('ca', '/O=Example/CN=alice');
authority('other');
my @foreign = signed('other', '/CN=alice');

$token->jwks('pimap.jwks', 'ec256');
$t->write_file("$dir/pimap.htpasswd", "alice:{PLAIN}secret\n");

my $http = join('', map { block($_) } @sections);

$http .= <<"END";
server {
    listen 127.0.0.1:@{[ $t->port('backend') ]};

    location / {
        if (\$http_authorization != "Custom alice") { return 401; }
        add_header X-Mail-User alice;
        return 204;
    }
}
END

$t->nginx()->{http} = ($ENV{PIMAP_HTTP} ? '' : 'pimap_hibernate on;') . $http;

my %claims = (sub => 'alice', iss => 'https://login.example.com/',
    aud => 'pimap', exp => time() + 3600);
my $good = $token->make(ec256 => \%claims);
my $bad = $token->make(ec256 => { %claims, exp => time() - 100 });

$t->plan(40);
$t->run();
$t->wait_ready();

for my $version ('--http1.1', '--http2') {

    parks($version, 'Passwords', '-u', 'alice:secret');
    refuses($version, 'Passwords', 401, '-u', 'alice:wrong');
    refuses($version, 'Passwords', 401);

    parks($version, 'Another server', '-H', 'Authorization: Custom alice');
    refuses($version, 'Another server', 401, '-H', 'Authorization: Custom x');

    parks($version, 'Client certificates', '--cert', $device[0],
        '--key', $device[1]);
    refuses($version, 'Client certificates', 400, '--cert', $foreign[0],
        '--key', $foreign[1]);
    refuses($version, 'Client certificates', 400);

    parks($version, 'Tokens', '-H', "Authorization: Bearer $good");
    parks($version, 'Tokens', "?access_token=$good");
    refuses($version, 'Tokens', 401, '-H', "Authorization: Bearer $bad");
    refuses($version, 'Tokens', 401, "?access_token=$bad");
    refuses($version, 'Tokens', 401);

    my ($ticket) = curl($version, 'Tokens', '/pimap/ticket', '-H',
        "Authorization: Bearer $good") =~ /"ticket":"(.*?)"/;

    parks($version, 'Tokens', "?ticket=$ticket");
    refuses($version, 'Tokens', 401, "?ticket=x$ticket");
}

# requests that nginx refuses before the module sees them

for ("GET /pimap/events?access_token=$good HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET /pimap/events?access_token=$good HTTP/1.1\r\n\r\n",
    "GET /pimap/events?access_token=$good HTTP/1.1\r\nHost: a\r\nA: "
    . 'x' x 9000 . "\r\n\r\n",
    "GET /pimap/events?access_token=$good&x=" . 'x' x 9000 . " HTTP/1.1\r\n",
    "POST /pimap/events?access_token=$good HTTP/1.1\r\nHost: a\r\n"
    . "Content-Length: 9000000\r\n\r\n",
    "PUT /other?access_token=$good HTTP/1.1\r\nHost: a\r\n\r\n",
    "A\0 /pimap/events?access_token=$good HTTP/1.1\r\nHost: a\r\n\r\n")
{
    my $s = IO::Socket::SSL->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('Tokens'), SSL_verify_mode => 0);

    $s->syswrite($_);
    like($s->getline() // '', qr{^HTTP/1.1 4}, 'refused: ' . substr($_, 0, 4));
    $s->close();
}

my $access = $t->read_file("$dir/pimap.log");
my $errors = $t->read_file("$dir/error.log");

like($access, qr{"GET /pimap/events" 200 }, 'the access log has the requests');
like($errors, qr/too large body/,
    '    and the error log has the request that was too large');
unlike("$access$errors", qr/eyJ/, 'no log has a token');


# The page's example with the ports and files of this test.

sub block {
    my ($section) = @_;

    local $_ = ($page->blocks('nginx', $section))[0]{text};

    s{listen +443 }{'listen 127.0.0.1:' . $t->port($section) . ' '}e;
    s{127\.0\.0\.1:9000}{'127.0.0.1:' . $t->port('backend')}e;
    s{/etc/ssl/devices\.pem}{$ca};
    s{/etc/\S*key\.pem}{$key};
    s{/etc/ssl/mail\.pem}{$cert};
    s{/etc/nginx/|/var/log/nginx/}{$dir/}g;

    return $_;
}


sub curl {
    my ($version, $section, $path, @args) = @_;

    my $process = $t->start(pipe => 1, command => ['curl', '-sNik', '--raw',
        $version, @args, 'https://127.0.0.1:' . $t->port($section) . $path]);

    my $s = Pimap::Stream->new(process => $process);

    $s->{section} = $section;
    return $path =~ /events/ ? $s : $s->body();
}


sub events {
    my ($version, $section, @args) = @_;

    my $query = @args && $args[0] =~ /^\?/ ? shift(@args) : '';

    return curl($version, $section, "/pimap/events$query", @args);
}


sub parks {
    my ($version, $section, @args) = @_;

    my $s = events($version, $section, @args);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'X' });
    is(($s->event() // {})->{event}, 'X', "$section $version: parks alice");
    $s->close();
}


sub refuses {
    my ($version, $section, $status, @args) = @_;

    is(events($version, $section, @args)->status(), $status,
        "$section $version: $status");
}


sub run {
    my $output = qx(cd $dir && openssl @_ 2>&1);

    die $output if $? != 0;
}


sub authority {
    my ($name) = @_;

    run("req -x509 -newkey rsa:2048 -nodes -subj /CN=$name"
        . " -keyout $name.key -out $name.pem");

    return "$dir/$name.pem";
}


# A certificate and its key.

sub signed {
    my ($by, $subject) = @_;

    run("req -newkey rsa:2048 -nodes -subj '$subject' -keyout $by-d.key"
        . " -out $by-d.csr");
    run("x509 -req -in $by-d.csr -CA $by.pem -CAkey $by.key -CAcreateserial"
        . " -out $by-d.pem");

    return ("$dir/$by-d.pem", "$dir/$by-d.key");
}
