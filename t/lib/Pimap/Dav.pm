package Pimap::Dav;

# A Radicale, a Xandikos or a sabre/dav of the test's own, and a third-party
# client.
# Without start() the client uses a Pimap::Cyrus, by its port's name.
#
#     my $dav = Pimap::Dav->new(t => $t, kind => 'radicale')->start();
#     $dav->put('/alice/book/1.vcf', $dav->card('1', 'Ann'));

use strict;
use warnings;

use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);

use Pimap::Process qw(wait_for);

my @xml = ('Content-Type' => 'application/xml');


# t => the test, kind => 'radicale', 'xandikos' or 'sabredav', name => of its
# port, hook => command, dir => of its files, behind => 1: a proxy has checked
# the login

sub new {
    my ($class, %set) = @_;

    return bless({ kind => 'radicale', name => $set{kind} // 'radicale',
        %set }, $class);
}


sub port { $_[0]{t}->port($_[0]{name}) }
sub url  { 'http://127.0.0.1:' . $_[0]->port() }
sub dir  { $_[0]{dir} // $_[0]{t}->dir() . "/$_[0]{name}" }


sub start {
    my ($self) = @_;

    my $t = $self->{t};
    my $dir = $self->dir();

    mkdir($dir) if !-d $dir;

    my $command = "_$self->{kind}";

    $self->{process} = $t->start(output => "$dir.out",
        command => [$self->$command()],
        env => { HOME => $dir, %{ $self->{env} // {} } });

    wait_for(sub { $self->request('OPTIONS', '/')->{status} < 500 })
        or die "$self->{kind} does not start: " . $t->read_file("$dir.out");

    return $self;
}


sub _radicale {
    my ($self) = @_;

    my ($t, $dir) = ($self->{t}, $self->dir());
    my $hook = $self->{hook} ? "hook = $self->{hook}" : '';

    $t->write_file("$dir.users", "alice:secret\nbob:geheim\n");
    $t->write_file("$dir.conf", <<END);
[server]
hosts = 127.0.0.1:@{[ $self->port() ]}
max_connections = 0
[auth]
type = @{[ $self->{behind} ? 'http_x_remote_user' : 'htpasswd' ]}
htpasswd_filename = $dir.users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = $dir
$hook
[logging]
level = warning
END

    return ('radicale', '--config', "$dir.conf");
}


sub _xandikos {
    my ($self) = @_;

    return ('xandikos', '-d', $self->dir(), '--defaults', '--autocreate',
        '--current-user-principal', '/alice/', '-l', '127.0.0.1', '-p',
        $self->port());
}


# PHP 8 has changed since sabre/dav 1 was written, and says so at each request.

sub _sabredav {
    my ($self) = @_;

    $self->{env}{SABREDAV_DIR} = $self->dir();

    return ('php', '-d', 'error_reporting=E_ALL & ~E_DEPRECATED', '-S',
        '127.0.0.1:' . $self->port(), $self->{t}->root()
            . '/t/lib/sabredav.php');
}


sub stop {
    my ($self, $signal) = @_;
    $self->{t}->stop($self->{process}, $signal // 'TERM');
}


# As HTTP::Tiny, with alice's login, or behind the proxy that of the owner.

sub request {
    my ($self, $method, $path, $body, %headers) = @_;

    my $url = $path =~ m{^http} ? $path : $self->url() . $path;

    $headers{'X-Remote-User'} = $1
        if $self->{behind} && $path =~ m{^/([^/]+)};

    return HTTP::Tiny->new(timeout => 300)->request($method, $url, {
        headers => { Authorization => 'Basic '
            . encode_base64('alice:secret', ''), %headers },
        defined $body ? (content => $body) : () });
}


sub make {
    my ($self, $path, $kind, $name) = @_;

    my ($type, $ns) = $kind eq 'calendar' ? ('calendar', 'caldav')
        : ('addressbook', 'carddav');

    my $answer = $self->request('MKCOL', $path, <<END,
<?xml version="1.0"?>
<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:$ns"><D:set><D:prop>
<D:resourcetype><D:collection/><C:$type/></D:resourcetype>
<D:displayname>@{[ $name // $path ]}</D:displayname>
</D:prop></D:set></D:mkcol>
END
        @xml);

    return $answer->{status};
}


sub rename {
    my ($self, $path, $name) = @_;

    return $self->request('PROPPATCH', $path, <<END, @xml)->{status};
<?xml version="1.0"?>
<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>
<D:displayname>$name</D:displayname></D:prop></D:set></D:propertyupdate>
END
}


sub put {
    my ($self, $path, $text, %headers) = @_;

    my $type = $text =~ /VCARD/ ? 'text/vcard' : 'text/calendar';

    return $self->request('PUT', $path, $text, 'Content-Type' => $type,
        %headers)->{status};
}


sub get    { $_[0]->request('GET', $_[1])->{content} }
sub delete { $_[0]->request('DELETE', $_[1])->{status} }


# { href => etag } of a collection, by an ordinary PROPFIND.

sub etags {
    my ($self, $path) = @_;

    my $reply = $self->request('PROPFIND', $path, '<?xml version="1.0"?>'
        . '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>',
        Depth => 1, @xml);
    my %etags;

    die "$path: $reply->{status}\n" if $reply->{status} != 207;

    my $xml = $reply->{content};

    while ($xml =~ m{<(?:\w+:)?response[^>]*>(.*?)</(?:\w+:)?response>}gs) {
        my $one = $1;
        my ($href) = $one =~ m{<(?:\w+:)?href>([^<]*)<};
        my ($etag) = $one =~ m{<(?:\w+:)?getetag[^>]*>([^<]*)<};

        $etag =~ s/&quot;/"/g if $etag;
        $etags{$href} = $etag if $etag && $href !~ m{/$};
    }

    return \%etags;
}


sub card {
    my ($self, $uid, $name) = @_;

    return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:$uid\r\nFN:$name\r\n"
        . "N:$name;;;;\r\nEND:VCARD\r\n";
}


sub event {
    my ($self, $uid, $summary) = @_;

    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"
        . "BEGIN:VEVENT\r\nUID:$uid\r\nDTSTAMP:20260101T000000Z\r\n"
        . "DTSTART:20260102T100000Z\r\nDTEND:20260102T110000Z\r\n"
        . "SUMMARY:$summary\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
}


1;
