"""AWS services: product code, name as AWS prints it, and FOCUS service category and subcategory.

One category for each service, as FOCUS asks: Amazon EC2 is Compute, its volumes included, although AWS's own export
gives it two. Names are those of AWS's price list and bills, their odd spellings (`AmazonCloudWatch`) included. Products
of the Marketplace have codes of their own and are not listed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    code: str
    name: str
    category: str
    subcategory: str


UNKNOWN_CATEGORY, UNKNOWN_SUBCATEGORY = "Other", "Other (Other)"

_TABLE: dict[tuple[str, str], str] = {
    ("Compute", "Virtual Machines"): """
        AmazonEC2                        | Amazon Elastic Compute Cloud
        AmazonEI                         | Amazon Elastic Inference
        AmazonEVS                        | Amazon Elastic VMware Service
        AmazonLightsail                  | Amazon Lightsail
        AWSParallelComputingService      | AWS Parallel Computing Service
    """,
    ("Compute", "Containers"): """
        AmazonECR                        | Amazon EC2 Container Registry (ECR)
        AmazonECRPublic                  | Amazon Elastic Container Registry Public
        AmazonECS                        | Amazon Elastic Container Service
        AmazonEKS                        | Amazon Elastic Container Service for Kubernetes
        AmazonEKSAnywhere                | Amazon EKS Anywhere
        AWSROSA                          | Red Hat OpenShift Service on AWS
    """,
    ("Compute", "Serverless Compute"): """
        AWSLambda                        | AWS Lambda
        AWSBatch                         | AWS Batch
    """,
    ("Compute", "End User Computing"): """
        AmazonAppStream                  | Amazon AppStream
        AmazonWorkSpaces                 | Amazon WorkSpaces
        AmazonWorkSpacesThinClient       | Amazon WorkSpaces Thin Client
        AmazonWorkSpacesWeb              | Amazon WorkSpaces Web
        AmazonWAM                        | Amazon WorkSpaces Application Manager
        AmazonWorkLink                   | Amazon WorkLink
    """,
    ("Compute", "Quantum Compute"): """
        AmazonBraket                     | Amazon Braket
    """,
    ("Compute", "Other (Compute)"): """
        ComputeSavingsPlans              | Savings Plans for AWS Compute usage
        AWSOutposts                      | AWS Outposts
        AWSPrivate5G                     | AWS Private 5G
        AWSSimSpaceWeaver                | AWS SimSpace Weaver
        AWSTelcoNetworkBuilder           | AWS Telco Network Builder
        AWSM2                            | AWS Mainframe Modernization Service
    """,
    ("Storage", "Object Storage"): """
        AmazonS3                         | Amazon Simple Storage Service
        AmazonGlacier                    | Amazon Glacier
        AmazonS3GlacierDeepArchive       | Amazon S3 Glacier Deep Archive
    """,
    ("Storage", "File Storage"): """
        AmazonEFS                        | Amazon Elastic File System
        AmazonFSx                        | Amazon FSx
    """,
    ("Storage", "Backup Storage"): """
        AWSBackup                        | AWS Backup
    """,
    ("Storage", "Storage Platforms"): """
        AWSStorageGateway                | AWS Storage Gateway
        AWSStorageGatewayDeepArchive     | AWS Storage Gateway Deep Archive
    """,
    ("Databases", "Relational Databases"): """
        AmazonRDS                        | Amazon Relational Database Service
        AmazonAuroraDSQL                 | Amazon Aurora DSQL
    """,
    ("Databases", "NoSQL Databases"): """
        AmazonDynamoDB                   | Amazon DynamoDB
        AmazonDocDB                      | Amazon DocumentDB (with MongoDB compatibility)
        AmazonMCS                        | Amazon Managed Apache Cassandra Service
        AmazonNeptune                    | Amazon Neptune
        AmazonSimpleDB                   | Amazon SimpleDB
    """,
    ("Databases", "Caching"): """
        AmazonDAX                        | Amazon DynamoDB Accelerator (DAX)
        AmazonElastiCache                | Amazon ElastiCache
        AmazonMemoryDB                   | Amazon MemoryDB
    """,
    ("Databases", "Data Warehouses"): """
        AmazonRedshift                   | Amazon Redshift
    """,
    ("Databases", "Ledger Databases"): """
        AmazonQLDB                       | Amazon Quantum Ledger Database
        AmazonManagedBlockchain          | Amazon Managed Blockchain
    """,
    ("Databases", "Time Series Databases"): """
        AmazonTimestream                 | Amazon Timestream
    """,
    ("Databases", "Other (Databases)"): """
        DatabaseSavingsPlans             | Savings Plans for AWS Database usage
    """,
    ("Networking", "Content Delivery"): """
        AmazonCloudFront                 | Amazon CloudFront
    """,
    ("Networking", "Application Networking"): """
        AWSELB                           | Elastic Load Balancing
        AWSAppMesh                       | AWS App Mesh
        AmazonVPCLattice                 | Amazon VPC Lattice
    """,
    ("Networking", "Network Connectivity"): """
        AWSCloudWAN                      | AWS Cloud WAN
        AWSDirectConnect                 | AWS Direct Connect
        AWSDataTransfer                  | AWS Data Transfer
        AWSTransitGateway                | AWS Transit Gateway
        AWSGroundStation                 | AWS Ground Station
    """,
    ("Networking", "Network Infrastructure"): """
        AmazonVPC                        | Amazon Virtual Private Cloud
        AWSCloudMap                      | AWS Cloud Map
        AmazonRegistrar                  | Amazon Registrar
    """,
    ("Networking", "Network Routing"): """
        AmazonRoute53                    | Amazon Route 53
        AWSGlobalAccelerator             | AWS Global Accelerator
    """,
    ("Networking", "Network Security"): """
        AWSFMS                           | AWS Firewall Manager
        AWSNetworkFirewall               | AWS Network Firewall
        AWSShield                        | AWS Shield
        awswaf                           | AWS WAF
    """,
    ("Analytics", "Analytics Platforms"): """
        AmazonAthena                     | Amazon Athena
        AmazonDataZone                   | Amazon DataZone
        AmazonFinSpace                   | Amazon FinSpace
        AWSCleanRooms                    | AWS Clean Rooms
        AWSDataExchange                  | AWS Data Exchange
        AWSLakeFormation                 | AWS Lake Formation
    """,
    ("Analytics", "Business Intelligence"): """
        AmazonQuickSight                 | Amazon QuickSight
    """,
    ("Analytics", "Data Processing"): """
        AWSGlue                          | AWS Glue
        AWSGlueElasticViews              | AWS Glue Elastic Views
        AWSEntityResolution              | AWS Entity Resolution
        ElasticMapReduce                 | Amazon Elastic MapReduce
        datapipeline                     | AWS Data Pipeline
    """,
    ("Analytics", "Search"): """
        AmazonCloudSearch                | Amazon CloudSearch
        AmazonES                         | Amazon OpenSearch Service
        AmazonOSIS                       | Amazon OpenSearch Ingestion
    """,
    ("Analytics", "Streaming Analytics"): """
        AmazonKinesis                    | Amazon Kinesis
        AmazonKinesisAnalytics           | Amazon Kinesis Analytics
        AmazonKinesisFirehose            | Amazon Kinesis Firehose
        AmazonMSK                        | Amazon Managed Streaming for Apache Kafka
    """,
    ("AI and Machine Learning", "Generative AI"): """
        AmazonBedrock                    | Amazon Bedrock
        AmazonBedrockAgentCore           | Amazon Bedrock AgentCore
        AmazonBedrockFoundationModels    | Amazon Bedrock Foundation Models
        AmazonBedrockService             | Amazon Bedrock Service
        AmazonQ                          | Amazon Q
        AmazonNova                       | Amazon Nova
        AWSAppStudio                     | AWS App Studio
    """,
    ("AI and Machine Learning", "AI Platforms"): """
        AmazonSageMaker                  | Amazon SageMaker
        AmazonAugmentedAI                | Amazon Augmented AI
        AWSPanorama                      | AWS Panorama
    """,
    ("AI and Machine Learning", "Bots"): """
        AmazonLex                        | Amazon Lex
        A4B                              | Alexa for Business
    """,
    ("AI and Machine Learning", "Machine Learning"): """
        AmazonForecast                   | Amazon Forecast
        AmazonFraudDetector              | Amazon Fraud Detector
        AmazonLookoutEquipment           | Amazon Lookout for Equipment
        AmazonLookoutMetrics             | Amazon Lookout for Metrics
        AmazonLookoutVision              | Amazon Lookout for Vision
        AmazonML                         | Amazon Machine Learning
        AmazonMonitron                   | Amazon Monitron
        AmazonPersonalize                | Amazon Personalize
        AmazonRekognition                | Amazon Rekognition
        AmazonOmics                      | AWS HealthOmics
        AWSDeepRacer                     | AWS DeepRacer
        MachineLearningSavingsPlans      | Savings Plans for AWS Machine Learning
    """,
    ("AI and Machine Learning", "Natural Language Processing"): """
        AmazonKendra                     | Amazon Kendra
        AmazonPolly                      | Amazon Polly
        AmazonTextract                   | Amazon Textract
        AmazonHealthLake                 | Amazon HealthLake
        AmazonHealthScribe               | AWS HealthScribe
        comprehend                       | Amazon Comprehend
        comprehendmedical                | Amazon Comprehend Medical
        transcribe                       | Amazon Transcribe
        translate                        | Amazon Translate
    """,
    ("Security", "Secret Management"): """
        awskms                           | AWS Key Management Service
        AWSCertificateManager            | AWS Certificate Manager
        ACM                              | AWS Certificate Manager
        AWSPrivateCertificateAuthority   | AWS Private Certificate Authority
        AWSSecretsManager                | AWS Secrets Manager
        CloudHSM                         | AWS CloudHSM
        AWSCloudHSM                      | AWS CloudHSM
        AWSPaymentCryptography           | AWS Payment Cryptography
    """,
    ("Security", "Security Posture Management"): """
        AmazonInspector                  | Amazon Inspector
        AmazonInspectorV2                | Amazon Inspector
        AWSSecurityHub                   | AWS Security Hub
        AWSIAMAccessAnalyzer             | AWS IAM Access Analyzer
    """,
    ("Security", "Threat Detection and Response"): """
        AmazonDetective                  | Amazon Detective
        AmazonGuardDuty                  | Amazon GuardDuty
        AmazonMacie                      | Amazon Macie
        AmazonSecurityLake               | Amazon Security Lake
        AWSSecurityIncidentResponse      | AWS Security Incident Response
    """,
    ("Identity", "Identity and Access Management"): """
        AmazonCloudDirectory             | Amazon Cloud Directory
        AmazonCognito                    | Amazon Cognito
        AmazonCognitoSync                | Amazon Cognito Sync
        AmazonVerifiedPermissions        | Amazon Verified Permissions
        AWSDirectoryService              | AWS Directory Service
        AWSSSO                           | AWS Single Sign-On
    """,
    ("Integration", "API Management"): """
        AmazonApiGateway                 | Amazon API Gateway
        AWSAppSync                       | AWS AppSync
    """,
    ("Integration", "Messaging"): """
        AmazonMQ                         | Amazon MQ
        AmazonSNS                        | Amazon Simple Notification Service
        AmazonSES                        | Amazon Simple Email Service
        AmazonPinpoint                   | Amazon Pinpoint
        AWSEndUserMessaging              | AWS End User Messaging
        AWSEvents                        | CloudWatch Events
        AWSQueueService                  | Amazon Simple Queue Service
        AWSB2Bi                          | AWS B2B Data Interchange
    """,
    ("Integration", "Workflow Orchestration"): """
        AmazonMWAA                       | Amazon Managed Workflows for Apache Airflow
        AmazonStates                     | AWS Step Functions
        AmazonSWF                        | Amazon Simple Workflow Service
    """,
    ("Integration", "Other (Integration)"): """
        AmazonAppFlow                    | Amazon AppFlow
    """,
    ("Management and Governance", "Observability"): """
        AmazonCloudWatch                 | AmazonCloudWatch
        AmazonGrafana                    | Amazon Managed Grafana
        AmazonPrometheus                 | Amazon Managed Service for Prometheus
        AmazonDevOpsGuru                 | Amazon DevOps Guru
        AWSXRay                          | AWS X-Ray
    """,
    ("Management and Governance", "Compliance"): """
        AWSAuditManager                  | AWS Audit Manager
        AWSArtifact                      | AWS Artifact
        AWSCloudTrail                    | AWS CloudTrail
        AWSConfig                        | AWS Config
        AWSControlTower                  | AWS Control Tower
    """,
    ("Management and Governance", "Cost Management"): """
        AWSBillingConductor              | AWS Billing Conductor
        AWSBudgets                       | AWS Budgets
        AWSCostExplorer                  | AWS Cost Explorer
        AWSComputeOptimizer              | AWS Compute Optimizer
        AWSDataExports                   | AWS Data Exports
        AWSApplicationCostProfiler       | AWS Application Cost Profiler
    """,
    ("Management and Governance", "Disaster Recovery"): """
        AWSElasticDisasterRecovery       | AWS Elastic Disaster Recovery
        AWSResilienceHub                 | AWS Resilience Hub
        AmazonRoute53RecoveryController  | Amazon Application Recovery Controller
        CloudEndure                      | CloudEndure Disaster Recovery
    """,
    ("Management and Governance", "Endpoint Management"): """
        AWSSystemsManager                | AWS Systems Manager
        AWSLicenseManager                | AWS License Manager
    """,
    ("Management and Governance", "Architecture"): """
        AWSCloudFormation                | AWS CloudFormation
        AWSOpsWorks                      | AWS OpsWorks
        AWSProton                        | AWS Proton
        AWSServiceCatalog                | AWS Service Catalog
        AWSTrustedAdvisor                | AWS Trusted Advisor
    """,
    ("Management and Governance", "Support"): """
        AWSDeveloperSupport              | AWS Support (Developer)
        AWSSupportDeveloper              | AWS Support (Developer)
        AWSSupportBusiness               | AWS Support (Business)
        AWSBusinessSupportPlus           | AWS Business Support+
        AWSSupportEnterprise             | AWS Support (Enterprise)
        AWSEnterpriseOnRamp              | AWS Support (Enterprise On-Ramp)
        AWSSupportEnterpriseOnRamp       | AWS Support (Enterprise On-Ramp)
        AWSUnifiedOperations             | AWS Unified Operations
        AWSManagedServices               | AWS Managed Services
        OCBPremiumSupport                | AWS Premium Support
        AWSCountdown                     | AWS Countdown
        AWSrePostPrivate                 | AWS re:Post Private
        AmazonIQ                         | AWS IQ
    """,
    ("Migration", "Data Migration"): """
        AWSDatabaseMigrationSvc          | AWS Database Migration Service
        AWSDataSync                      | AWS DataSync
        AWSTransfer                      | AWS Transfer Family
        AWSImportExport                  | AWS Import/Export
        IngestionServiceSnowball         | AWS Import/Export Snowball
        SnowballExtraDays                | AWS Snowball Extra Days
        AWSSnowcone                      | AWS Snowcone
        AWSSnowMobile                    | AWS Snowmobile
    """,
    ("Migration", "Resource Migration"): """
        AWSApplicationMigrationSvc       | AWS Application Migration Service
        AWSMigrationHub                  | AWS Migration Hub
        AWSMigrationHubRefactorSpaces    | AWS Migration Hub Refactor Spaces
        AWSTransform                     | AWS Transform
    """,
    ("Developer Tools", "Continuous Integration and Deployment"): """
        CodeBuild                        | AWS CodeBuild
        AWSCodeDeploy                    | AWS CodeDeploy
        AWSCodePipeline                  | AWS CodePipeline
    """,
    ("Developer Tools", "Source Code Management"): """
        AWSCodeCommit                    | AWS CodeCommit
        AWSCodeArtifact                  | AWS CodeArtifact
    """,
    ("Developer Tools", "Development Environments"): """
        AWSCloud9                        | AWS Cloud9
        AWSCloudShell                    | AWS CloudShell
        AmazonCodeWhisperer              | Amazon CodeWhisperer
        AmazonQDeveloper                 | Amazon Q Developer
        Kiro                             | Kiro
    """,
    ("Developer Tools", "Developer Platforms"): """
        AmazonCodeCatalyst               | Amazon CodeCatalyst
        AWSCodeStar                      | AWS CodeStar
        AmazonCorretto                   | Amazon Corretto
    """,
    ("Developer Tools", "Quality Assurance"): """
        AmazonCodeGuru                   | Amazon CodeGuru
        AWSDeviceFarm                    | AWS Device Farm
        AWSFIS                           | AWS Fault Injection Simulator
    """,
    ("Internet of Things", "IoT Analytics"): """
        AWSIoTAnalytics                  | AWS IoT Analytics
    """,
    ("Internet of Things", "IoT Platforms"): """
        AWSIoT                           | AWS IoT
        AWSIoT1Click                     | AWS IoT 1-Click
        AWSIoTDeviceDefender             | AWS IoT Device Defender
        AWSIoTDeviceManagement           | AWS IoT Device Management
        AWSIoTEvents                     | AWS IoT Events
        AWSIoTFleetWise                  | AWS IoT FleetWise
        AWSIoTSiteWise                   | AWS IoT SiteWise
        AWSIoTThingsGraph                | AWS IoT Things Graph
        AWSGreengrass                    | AWS IoT Greengrass
        IoTDeviceManagement              | AWS IoT Device Management
        IOTTwinMaker                     | AWS IoT TwinMaker
        AmazonFreeRTOS                   | FreeRTOS
        AWSRoboMaker                     | AWS RoboMaker
    """,
    ("Media", "Content Creation"): """
        AmazonNimbleStudio               | Amazon Nimble Studio
        AWSDeadlineCloud                 | AWS Deadline Cloud
        AWSThinkboxDeadline              | AWS Thinkbox Deadline
    """,
    ("Media", "Gaming"): """
        AmazonGameLift                   | Amazon GameLift
        AmazonGameLiftStreams            | Amazon GameLift Streams
        AmazonGameSparks                 | Amazon GameSparks
    """,
    ("Media", "Media Streaming"): """
        AmazonETS                        | Amazon Elastic Transcoder
        AmazonIVS                        | Amazon Interactive Video Service
        AmazonIVSChat                    | Amazon Interactive Video Service Chat
        AmazonKinesisVideo               | Amazon Kinesis Video Streams
        AWSElementalAppliancesSoftware   | AWS Elemental Appliances and Software
        AWSElementalMediaConnect         | AWS Elemental MediaConnect
        AWSElementalMediaConvert         | AWS Elemental MediaConvert
        AWSElementalMediaLive            | AWS Elemental MediaLive
        AWSElementalMediaPackage         | AWS Elemental MediaPackage
        AWSElementalMediaStore           | AWS Elemental MediaStore
        AWSElementalMediaTailor          | AWS Elemental MediaTailor
    """,
    ("Media", "Mixed Reality"): """
        AmazonSumerian                   | Amazon Sumerian
    """,
    ("Media", "Other (Media)"): """
        AmazonMedicalImaging             | AWS HealthImaging
    """,
    ("Business Applications", "Productivity and Collaboration"): """
        AmazonChime                      | Amazon Chime
        AmazonChimeBusinessCalling       | Amazon Chime Business Calling
        AmazonChimeCallMe                | Amazon Chime Call Me
        AmazonChimeDialin                | Amazon Chime Dial-in
        AmazonChimeServices              | Amazon Chime Services
        AmazonChimeVoiceConnector        | Amazon Chime Voice Connector
        AmazonHoneycode                  | Amazon Honeycode
        AmazonWorkDocs                   | Amazon WorkDocs
        AmazonWorkMail                   | Amazon WorkMail
        AWSWickr                         | AWS Wickr
    """,
    ("Business Applications", "Other (Business Applications)"): """
        AmazonConnect                    | Amazon Connect
        AmazonConnectCases               | Amazon Connect Cases
        AmazonConnectCustomerProfiles    | Amazon Connect Customer Profiles
        AmazonConnectVoiceID             | Amazon Connect Voice ID
        ContactCenterTelecomm            | Contact Center Telecommunications (service sold by AMCS, LLC)
        ContactCenterTelecommKR          | Contact Center Telecommunications Korea
        ContactLensAmazonConnect         | Contact Lens for Amazon Connect
        AWSSupplyChain                   | AWS Supply Chain
    """,
    ("Mobile", "Other (Mobile)"): """
        mobileanalytics                  | Amazon Mobile Analytics
        AmazonLocationService            | Amazon Location Service
    """,
    ("Web", "Application Platforms"): """
        AWSAmplify                       | AWS Amplify
        AWSAppRunner                     | AWS App Runner
        AWSElasticBeanstalk              | AWS Elastic Beanstalk
    """,
}


def _read() -> tuple[Service, ...]:
    return tuple(
        Service(code.strip(), name.strip(), category, subcategory)
        for (category, subcategory), lines in _TABLE.items()
        for code, name in (line.split("|") for line in lines.strip().splitlines())
    )


SERVICES: tuple[Service, ...] = _read()
BY_CODE: dict[str, Service] = {service.code: service for service in SERVICES}


def codes_of(subcategory: str) -> tuple[str, ...]:
    return tuple(service.code for service in SERVICES if service.subcategory == subcategory)
